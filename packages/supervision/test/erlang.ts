/**
 * Erlang's rules as a plain model: what OTP's `supervisor.erl` does, line for line where it can be, as a program that
 * changes itself and calls the world at once. Directives and delays are added where a failure is looked at; and two
 * things differ from OTP on purpose:
 *
 * - A group is stopped when its child fails to start, not when that is tried again.
 * - Those that wait for a child's next try start when that child is terminated. In OTP they stay away.
 */
import type { AutoShutdown, RestartType, Strategy } from "../src/internal/decision.ts"

export interface World {
  /** Whether it came up. */
  start(id: string): boolean
  stop(id: string): void
  resume(id: string): void
}

interface Child {
  readonly id: string
  readonly restart: RestartType
  readonly significant: boolean
  pid: "running" | "undefined" | "restarting"
  waitsFor: string | undefined
}

export class Erlang {
  children: Array<Child> = []
  alive = true
  /** Why it is not alive any more. */
  why = ""
  /** try_again_restart messages in its mailbox. */
  retries: Array<string> = []
  private restarts: Array<number> = []
  private readonly world: World
  private readonly strategy: Strategy
  private readonly intensity: number
  private readonly period: number
  private readonly auto: AutoShutdown

  constructor(
    world: World,
    options: { strategy: Strategy; intensity: number; period: number; auto: AutoShutdown }
  ) {
    this.world = world
    this.strategy = options.strategy
    this.intensity = options.intensity
    this.period = options.period
    this.auto = options.auto
  }

  init(specs: ReadonlyArray<Pick<Child, "id" | "restart" | "significant">>): void {
    this.children = specs.map((spec) => ({ ...spec, pid: "undefined", waitsFor: undefined }))
    for (const child of this.children) if (!this.startOne(child)) return this.terminate("did not start")
  }

  // {'EXIT', Pid, Reason}
  exit(
    id: string,
    normal: boolean,
    directive: "resume" | "restart" | "stop" | "escalate",
    delay: number | undefined
  ): void {
    const child = this.find(id)!
    if (!normal) {
      if (directive === "resume") return this.world.resume(id)
      if (directive === "escalate") return this.terminate("escalated")
      if (directive === "stop") return this.stopGroup(child)
    }
    if (child.restart === "permanent") this.restart(child, delay)
    else if (normal) this.deleteAndMaybeShutdown(child)
    else if (child.restart === "transient") this.restart(child, delay)
    else this.deleteAndMaybeShutdown(child)
  }

  // handle_cast({try_again_restart, TryAgainId})
  tryAgain(now: number): void {
    while (this.retries.length > 0) {
      const child = this.find(this.retries.shift()!)
      // Only if it still waits, and for itself.
      if (child?.pid !== "restarting" || child.waitsFor !== child.id) continue
      return this.doRestart(child, now)
    }
  }

  startChild(spec: Pick<Child, "id" | "restart" | "significant">): string {
    const present = this.find(spec.id)
    if (present !== undefined) return present.pid === "running" ? "AlreadyStarted" : "AlreadyPresent"
    const child: Child = { ...spec, pid: "undefined", waitsFor: undefined }
    if (!this.startOne(child)) return "DidNotStart"
    this.children.push(child)
    return "ok"
  }

  restartChild(id: string): string {
    const child = this.find(id)
    if (child === undefined) return "NotFound"
    if (child.pid === "running") return "Running"
    if (child.pid === "restarting") return "Restarting"
    return this.startOne(child) ? "ok" : "DidNotStart"
  }

  terminateChild(id: string): string {
    const child = this.find(id)
    if (child === undefined) return "NotFound"
    this.away(child)
    const waiting = this.children.filter((other) => other.waitsFor === id)
    this.startChildren(waiting)
    return "ok"
  }

  deleteChild(id: string): string {
    const child = this.find(id)
    if (child === undefined) return "NotFound"
    if (child.pid === "running") return "Running"
    if (child.pid === "restarting") return "Restarting"
    this.children = this.children.filter((other) => other !== child)
    return "ok"
  }

  terminate(why: string): void {
    this.alive = false
    this.why = why
    for (const child of this.children.toReversed()) this.stopOne(child)
  }

  now = 0

  private restart(child: Child, delay: number | undefined): void {
    if (delay === undefined) return this.terminate("gave up")
    if (delay === 0) return this.doRestart(child, this.now)
    this.stopToRestart(child)
    this.again(child)
  }

  private doRestart(child: Child, now: number): void {
    // add_restart/3: the period is inclusive.
    this.restarts = [now, ...this.restarts].filter((at) => now - at <= this.period)
    if (this.restarts.length > this.intensity) return this.terminate("gave up")
    this.stopToRestart(child)
    this.startChildren(this.group(child))
  }

  private startChildren(children: ReadonlyArray<Child>): void {
    for (const child of children) {
      if (this.startOne(child)) continue
      this.stopToRestart(child)
      return this.again(child)
    }
  }

  private again(child: Child): void {
    this.retries = [...this.retries.filter((id) => id !== child.id), child.id]
  }

  private stopToRestart(child: Child): void {
    for (const one of this.group(child).toReversed()) {
      this.stopOne(one)
      if (one.restart === "temporary") this.children = this.children.filter((other) => other !== one)
      else {
        one.pid = "restarting"
        one.waitsFor = child.id
      }
    }
  }

  private stopGroup(child: Child): void {
    for (const one of this.group(child).toReversed()) this.away(one)
    this.maybeShutdown(child)
  }

  private away(child: Child): void {
    this.stopOne(child)
    child.pid = "undefined"
    child.waitsFor = undefined
    if (child.restart === "temporary" || this.strategy === "simple_one_for_one") {
      this.children = this.children.filter((other) => other !== child)
    }
  }

  // do_auto_shutdown/2
  private deleteAndMaybeShutdown(child: Child): void {
    this.away(child)
    this.maybeShutdown(child)
  }

  private maybeShutdown(child: Child): void {
    if (!child.significant || this.auto === "never") return
    const others = this.children.some((other) => other.significant && other.pid !== "undefined")
    if (this.auto === "any_significant" || !others) this.terminate("auto shutdown")
  }

  private group(child: Child): ReadonlyArray<Child> {
    if (this.strategy === "one_for_all") return [...this.children]
    if (this.strategy === "rest_for_one") return this.children.slice(this.children.indexOf(child))
    return [child]
  }

  private startOne(child: Child): boolean {
    const up = this.world.start(child.id)
    if (up) {
      child.pid = "running"
      child.waitsFor = undefined
    } else {
      child.pid = "undefined"
      child.waitsFor = undefined
    }
    return up
  }

  private stopOne(child: Child): void {
    if (child.pid === "running") this.world.stop(child.id)
  }

  find(id: string): Child | undefined {
    return this.children.find((child) => child.id === id)
  }
}
