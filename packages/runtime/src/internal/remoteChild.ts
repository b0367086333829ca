/** An actor that this thread has spawned on another one: owned here, and overseen here if somebody does. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { ThreadLost } from "../AskError.ts"
import type * as Codec from "../Codec.ts"
import type { Child, Overseer } from "../Overseer.ts"
import { SpawnError } from "../SpawnError.ts"
import type { Birth } from "./birth.ts"
import { crash } from "./life.ts"
import * as Lives from "./lives.ts"
import type { Kept } from "./mesh.ts"
import type { Owned, Owner } from "./owner.ts"
import * as Peer from "./peer.ts"
import type { RemoteRef } from "./remoteRef.ts"
import { request } from "./request.ts"
import * as Wire from "./wire.ts"

/** Where an actor lives on its thread, and what it is called there. */
export interface Place extends Lives.Addressed {
  readonly id: { readonly instance: number; readonly version: number }
}

/** What it takes to start it again. */
export interface Beginning {
  readonly overseer: Overseer
  readonly birth: Birth
  readonly codec: Codec.Codec<Birth>
}

const RUNNING = 0
/** It would have ended, and its overseer has been told. */
const HELD = 1
/** No incarnation of it lives, or will in a moment. */
const HALTED = 2
const ENDED = 3

export class RemoteChild implements Owned, Child<never> {
  owner: Owner | undefined = undefined
  previous: Owned | undefined = undefined
  next: Owned | undefined = undefined
  readonly id: Place["id"]
  readonly remote: RemoteRef
  private readonly beginning: Beginning | undefined
  private state = RUNNING
  /** Its thread has ended, and it has not been started again. */
  private away = false
  private exit: Exit.Exit<void, unknown> = Exit.void
  private incarnations = 0
  /** How often the thread had ended when it was spawned: those of one that has ended are not counted any more. */
  private readonly ends: number

  /** What it is known by to whoever has spawned it; undefined for the reference itself. */
  private readonly face: Child<never>["ref"] | undefined

  constructor(
    ref: RemoteRef,
    id: Place["id"],
    beginning: Beginning | undefined,
    face?: Child<never>["ref"]
  ) {
    this.remote = ref
    this.face = face
    this.id = id
    this.beginning = beginning
    this.ends = ref.peer.ends
  }

  private get peer(): Peer.Peer {
    return this.remote.peer
  }

  get ref(): Child<never>["ref"] {
    return this.face ?? (this.remote as unknown as Child<never>["ref"])
  }

  /** Whether somebody may start it again. */
  get overseen(): boolean {
    return this.beginning !== undefined
  }

  get over(): boolean {
    return this.state === ENDED
  }

  /** Whether what comes while it is down is refused. */
  private get refuses(): boolean {
    return this.beginning?.overseer.refuses === true
  }

  /** What is kept for it where its thread has ended. */
  get place(): Kept {
    const { contract, target, version } = this.remote
    return { type: contract.type, id: this.id, target, version, refuses: this.refuses }
  }

  /** It has ended. */
  left(): void {
    if (this.state === ENDED) return
    this.state = ENDED
    this.owner?.remove(this)
    this.peer.lives.remove(this)
    if (this.peer.ends === this.ends) this.peer.actors--
  }

  /** It would have ended. */
  held(exit: Exit.Exit<void, unknown>): void {
    if (this.state === ENDED) return
    this.state = HELD
    this.exit = exit
    this.tell()
  }

  /** Its thread has ended. */
  lost(exit: Exit.Exit<never, ThreadLost>): void {
    if (this.beginning === undefined) return this.left()
    const { state } = this
    this.away = true
    this.state = HALTED
    this.exit = exit
    // What came before it ended waits for the next incarnation.
    if (this.refuses) Effect.runFork(this.command(Lives.REFUSE))
    // Who has it in hand finds out by what he does next.
    if (state === RUNNING) this.tell()
  }

  private tell(): void {
    const told = Effect.suspend(() => this.beginning!.overseer.held(this, this.exit))
    Effect.runForkWith(this.remote.system.context)(told).addObserver((exit) => {
      if (Exit.isFailure(exit)) Effect.runFork(this.end)
    })
  }

  finish(): Effect.Effect<unknown> | undefined {
    if (this.state === ENDED) return undefined
    const { peer, target, version } = this.remote
    const end = request<void>(
      peer,
      (replier) => peer.request(Peer.END, 0, target, version, undefined, Wire.nothing, replier)
    )
    return Effect.andThen(Effect.ignore(end), Effect.sync(() => this.left()))
  }

  get generation(): Effect.Effect<number> {
    return Effect.sync(() => this.incarnations)
  }

  get resume(): Effect.Effect<boolean> {
    return Effect.suspend(() => {
      if (this.state !== HELD) return Effect.succeed(false)
      this.state = RUNNING
      return Effect.map(this.command(Lives.RESUME), ({ done }) => done)
    })
  }

  get halt(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.state === ENDED || this.away) return Effect.void
      this.state = HALTED
      return Effect.asVoid(this.command(Lives.HALT))
    })
  }

  get start(): Effect.Effect<void, SpawnError> {
    return Effect.suspend(() => {
      if (this.state === RUNNING || this.state === ENDED) return Effect.void
      this.state = HALTED
      return Effect.flatMap(
        this.command(this.away ? REVIVE : Lives.START),
        ({ failure }) =>
          failure === undefined
            ? Effect.void
            : Effect.fail(new SpawnError({ actor: this.remote.name, cause: failure }))
      )
    })
  }

  get end(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.state === ENDED) return Effect.void
      return Effect.andThen(this.command(Lives.FINISH), Effect.sync(() => this.left()))
    })
  }

  get escalate(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const parent = this.owner?.actor
      const { exit } = this
      return Effect.andThen(this.end, () => {
        if (Exit.isSuccess(exit)) return Effect.void
        if (parent === undefined) {
          return Effect.logError(`${this.remote.toString()} failed, and nobody is above it`, exit.cause)
        }
        crash(parent, exit.cause, { index: -1, tag: this.remote.toString() })
        return Effect.void
      })
    })
  }

  /** Has its thread do something with it; what came of it, also where the thread ended over that. */
  private command(command: number): Effect.Effect<Lives.Obeyed> {
    return Effect.callback((resume) => {
      const { peer } = this
      const { instance, version } = this.id
      const answer = (obeyed: Lives.Obeyed): void => {
        if ((command === Lives.START || command === REVIVE) && obeyed.failure === undefined) this.started()
        resume(Effect.succeed(obeyed))
      }
      const lost = (): void => answer({ done: false, failure: new ThreadLost({ thread: peer.thread }) })
      if (peer.lost) return lost()
      const replier = {
        succeed: (obeyed: unknown) => answer(obeyed as Lives.Obeyed),
        fail: lost,
        abandon: lost
      }
      if (command === REVIVE) {
        const { birth, codec } = this.beginning!
        peer.request(Peer.REVIVE, this.remote.contract.type, instance, version, birth, codec, replier)
      } else {
        peer.request(Peer.COMMAND, command, instance, version, undefined, Wire.nothing, replier)
      }
    })
  }

  private started(): void {
    if (this.state === ENDED) return
    this.state = RUNNING
    this.away = false
    this.incarnations++
  }
}

/** Has a thread's successor start it. */
const REVIVE = -1
