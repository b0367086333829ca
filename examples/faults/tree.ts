/** A tree of depth four whose nodes are killed at random: at rest it has the shape that was declared. */
import { Actor, ActorRef, ActorSystem } from "@troupe/runtime"
import { Child, RestartPolicy, Supervisor } from "@troupe/supervision"
import { Effect, Layer, References, Schedule, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { TestClock } from "effect/testing"
import { check, Digest, numbers, type Scenario, settings, settle, type Violation } from "./Scenario.ts"

const Clerk = Actor.make("Clerk", {
  protocol: RpcGroup.make(Rpc.make("Name", { success: Schema.String })),
  args: Schema.String
})

/** How many incarnations of each clerk live. */
const clerks = (living: Map<string, number>, mistaken: (mistake: string) => boolean) =>
  Clerk.toLayer({
    state: Schema.String,
    initial: (name) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          living.set(name, (living.get(name) ?? 0) + 1)
          return name
        }),
        () =>
          Effect.sync(() => {
            if (!mistaken("outlives")) living.set(name, living.get(name)! - 1)
          })
      ),
    handlers: { Name: (name) => Actor.reply(name, name) }
  })

const policy = RestartPolicy.restart.pipe(RestartPolicy.withSchedule(Schedule.spaced("5 millis")))
const restarts = { restarts: 2, within: "1 second" } as const

const office = (name: string, clerk: Child.Options) =>
  Supervisor.make(name, {
    strategy: "rest_for_one",
    intensity: restarts,
    policy,
    children: ["one", "two", "three"].map((id) => Child.actor(id, Clerk, { ...clerk, args: `${name}/${id}` }))
  })

const region = (name: string, clerk: Child.Options) =>
  Supervisor.make(name, {
    strategy: "one_for_all",
    intensity: restarts,
    policy,
    children: ["east", "west"].map((side) => Child.supervisor(office(`${name}-${side}`, clerk)))
  })

const company = (clerk: Child.Options) =>
  Supervisor.make("Company", {
    intensity: "unlimited",
    policy,
    children: ["north", "south"].map((name) => Child.supervisor(region(name, clerk)))
  })

/** Who can be killed. */
interface Node {
  readonly path: string
  readonly ref: ActorRef.ActorRef<never>
}

/** All nodes below a supervisor, as far as they are up. */
const walk = (running: Supervisor.Running): Effect.Effect<ReadonlyArray<Node>> =>
  Effect.gen(function*() {
    const nodes: Array<Node> = []
    for (const { id, kind, status } of yield* running.which) {
      const handle = yield* running.handle(id)
      if (status !== "up" || handle === undefined) continue
      const path = `${running.path}/${id}`
      if (kind === "supervisor") {
        const below = handle as Supervisor.Running
        nodes.push({ path, ref: yield* below.ref }, ...(yield* walk(below)))
      } else nodes.push({ path, ref: handle as ActorRef.ActorRef<never> })
    }
    return nodes
  })

const ROUND_MILLIS = 100

export const tree: Scenario = {
  description:
    "supervisors and actors killed at random: the tree at rest has its declared shape (one thread, virtual time)",
  kinds: [],
  mistakes: {
    temporary: "clerks that are killed are not started again: the shape is another one",
    outlives: "an incarnation does not end before the next one starts: there are two of a clerk"
  },
  run: (options) =>
    Effect.gen(function*() {
      const { seconds, seed } = options
      const { decided, mistaken, stopped } = settings(options)
      const Root = company(mistaken("temporary") ? { restart: "temporary" } : {})
      const living = new Map<string, number>()
      const random = numbers(seed)
      const digest = new Digest()
      const rounds = Math.max(1, Math.round(seconds * 1000 / ROUND_MILLIS))
      let kills = 0
      let events = 0
      const program = Effect.gen(function*() {
        const root = yield* Supervisor.running(Root)
        const declared = (yield* walk(root)).map(({ path }) => path)
        const whole: Effect.Effect<void, Violation> = Effect.gen(function*() {
          // The longest that a restart waits, at each of the levels.
          yield* TestClock.adjust("1 second")
          yield* settle
          const found = (yield* walk(root)).map(({ path }) => path)
          yield* check(
            found.join() === declared.join(),
            `the tree is\n  ${found.join("\n  ")}\nand was declared as\n  ${declared.join("\n  ")}`
          )
          for (const [name, times] of living) {
            yield* check(times === 1, `${times} incarnations of ${name} live`)
          }
        })
        let n = 0
        for (; n < rounds && !stopped(); n++) {
          const nodes = yield* walk(root)
          for (let kill = random(4); kill >= 0; kill--) {
            const node = nodes[random(nodes.length)]
            if (node === undefined) continue
            kills++
            digest.add(node.path)
            decided(`kill ${node.path}`)
            yield* ActorRef.kill(node.ref)
          }
          yield* TestClock.adjust(ROUND_MILLIS)
          yield* settle
          events += (yield* walk(root)).length
          digest.add(events)
          if (n % 5 === 4) yield* whole
        }
        yield* whole
        const top = yield* root.which
        return [
          ["rounds", n],
          ["nodes", declared.length],
          ["killed", kills],
          ["regions restarted", top.reduce((sum, { starts }) => sum + starts - 1, 0)],
          ["digest", digest.text]
        ] as const
      })
      return yield* program.pipe(
        Effect.provide(Supervisor.layer(Root)),
        Effect.provide(Layer.provideMerge(clerks(living, mistaken), ActorSystem.layer)),
        Effect.catchTag("StartError", Effect.die),
        Effect.provideService(References.MinimumLogLevel, "None")
      )
    }).pipe(Effect.provide(TestClock.layer()))
}
