/** Asking threads about their actors: this one at once, others over their links. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { hasProperty } from "effect/Predicate"
import * as Stream from "effect/Stream"
import { ThreadLost } from "../AskError.ts"
import type { ActorRef } from "../ActorRef.ts"
import type { ActorInfo, Filter, Inspect, Subject, Traced } from "../Inspect.ts"
import { NoSuchActor } from "../InspectError.ts"
import type { Inspector } from "./inspector.ts"
import { subjectOf } from "./inspector.ts"
import * as InspectWire from "./inspectWire.ts"
import { refTypeId } from "./keys.ts"
import * as Peer from "./peer.ts"
import { format, type Ref } from "./ref.ts"
import { RemoteRef } from "./remoteRef.ts"
import { request } from "./request.ts"
import { stateOf } from "./shown.ts"

type Ask = InspectWire.Request
type AnswerTo<Tag extends InspectWire.Answer["_tag"]> = Extract<InspectWire.Answer, { readonly _tag: Tag }>

/** Actors on a page, unless somebody says otherwise. */
const PAGE = 256

/** What an inspector is asked, and answers. */
export const serve = (inspector: Inspector, ask: Ask): Effect.Effect<InspectWire.Answer> =>
  Effect.suspend((): Effect.Effect<InspectWire.Answer> => {
    const { postMortem, system, trails } = inspector
    const done = (done: boolean): Effect.Effect<InspectWire.Answer> => Effect.succeed({ _tag: "Done", done })
    switch (ask._tag) {
      case "Page":
        return Effect.succeed({ _tag: "Page", ...inspector.page(ask.from, ask.limit, ask.filter) })
      case "Freeze":
        postMortem.freeze(ask.frozen)
        return done(true)
      case "Open":
        trails.open(ask.trail, ask.filter)
        return done(true)
      case "Next":
        // A thread that was started again knows nothing of it.
        return Effect.map(trails.open(ask.trail, ask.filter).take, (events) => ({ _tag: "Traced", events }))
      case "Close":
        trails.close(ask.trail)
        return done(true)
    }
    const ref = system.lookup(ask.address)
    switch (ask._tag) {
      case "Find":
        return Effect.succeed({ _tag: "Found", actor: ref && inspector.describe(ref) })
      case "State":
        return Effect.sync(() => ({ _tag: "State", state: ref && stateOf(ref) }))
      case "Suspend":
        return ref === undefined ? done(false) : Effect.flatMap(inspector.suspend(ref), done)
      case "Resume":
        if (ref !== undefined) inspector.resume(ref)
        return done(ref !== undefined)
      case "Enter":
        return done(ref !== undefined && postMortem.enter(ref))
      case "Leave":
        return done(ref !== undefined && postMortem.leave(ref, ask.end))
    }
  })

/** The service of a thread's system. */
export const make = (inspector: Inspector): Inspect["Service"] => {
  const { system } = inspector
  let trails = 0

  const ask = <Tag extends InspectWire.Answer["_tag"]>(
    thread: number,
    what: Ask,
    _answer: Tag
  ): Effect.Effect<AnswerTo<Tag>, ThreadLost> =>
    Effect.suspend((): Effect.Effect<AnswerTo<Tag>, ThreadLost> => {
      if (thread === system.thread) return serve(inspector, what) as Effect.Effect<AnswerTo<Tag>>
      const peer = system.mesh?.find(thread)
      if (peer === undefined) return new ThreadLost({ thread })
      return request<AnswerTo<Tag>>(
        peer,
        (replier) => peer.request(Peer.INSPECT, 0, 0, 0, what, InspectWire.request, replier)
      ).pipe(Effect.mapError(() => new ThreadLost({ thread })))
    })

  const threads = (): ReadonlyArray<number> => {
    const own = [system.thread]
    system.mesh?.tellAll(({ thread }) => own.push(thread))
    return own.toSorted((a, b) => a - b)
  }

  const subject = (which: Subject | ActorRef<never>): Subject => {
    if (!hasProperty(which, refTypeId)) return which as Subject
    const ref = which as unknown as Ref
    return { thread: ref instanceof RemoteRef ? ref.peer.thread : system.thread, address: format(ref) }
  }

  /** Where it was spawned, if that was by an actor of this thread on another one. */
  const adopted = (actor: ActorInfo): ActorInfo => {
    if (actor.parent !== undefined || actor.key !== undefined || actor.thread === system.thread) return actor
    const parent = system.mesh?.find(actor.thread)?.lives.parentOf(actor.address)
    return parent === undefined ? actor : { ...actor, parent: subjectOf(parent) }
  }

  const page = (thread: number, from: number, limit: number, filter: Filter) =>
    Effect.map(
      ask(thread, { _tag: "Page", from, limit, filter: wanted(filter) }, "Page"),
      ({ actors, next }) => ({ actors: actors.map(adopted), next })
    )

  const actors = (filter: Filter = {}): Stream.Stream<ActorInfo> =>
    Stream.fromIterable(filter.thread === undefined ? threads() : [filter.thread]).pipe(
      Stream.flatMap((thread) =>
        Stream.paginate(0, (from) =>
          page(thread, from, PAGE, filter).pipe(
            Effect.map(({ actors, next }) => [actors, Option.fromUndefinedOr(next)] as const),
            // What it has ended with cannot be listed.
            Effect.catch(() => Effect.succeed([[], Option.none<number>()] as const)),
            // Actors and timers have their turn between two pages.
            Effect.tap(Effect.yieldNow)
          ))
      )
    )

  /** Has something done with an actor, which may be there no more. */
  const act = (
    which: Subject | ActorRef<never>,
    what: (address: string) => Ask
  ): Effect.Effect<void, NoSuchActor | ThreadLost> =>
    Effect.suspend(() => {
      const { address, thread } = subject(which)
      return Effect.flatMap(ask(thread, what(address), "Done"), ({ done }) =>
        done ? Effect.void : new NoSuchActor({ thread, address }))
    })

  const everywhere = (frozen: boolean): Effect.Effect<void> =>
    Effect.suspend(() =>
      Effect.forEach(
        threads(),
        (thread) => Effect.ignore(ask(thread, { _tag: "Freeze", frozen }, "Done")),
        { concurrency: "unbounded", discard: true }
      )
    )

  const find = (which: Subject | ActorRef<never>): Effect.Effect<ActorInfo, NoSuchActor | ThreadLost> =>
    Effect.suspend(() => {
      const { address, thread } = subject(which)
      return Effect.flatMap(
        ask(thread, { _tag: "Find", address }, "Found"),
        ({ actor }) =>
          actor === undefined ? new NoSuchActor({ thread, address }) : Effect.succeed(adopted(actor))
      )
    })

  const subscribe = (filter: Filter = {}): Effect.Effect<Stream.Stream<Traced>, never, Scope.Scope> =>
    Effect.suspend(() => {
      const trail = `${system.thread}.${++trails}`
      const want = wanted(filter)
      const which = filter.thread === undefined ? threads() : [filter.thread]
      const all = (what: Ask): Effect.Effect<void> =>
        Effect.forEach(which, (thread) => Effect.ignore(ask(thread, what, "Done")), {
          concurrency: "unbounded",
          discard: true
        })
      const of = (thread: number): Stream.Stream<Traced> => {
        const next: Effect.Effect<ReadonlyArray<Traced>> = Effect.suspend(() =>
          ask(thread, { _tag: "Next", trail, filter: want }, "Traced").pipe(
            Effect.map(({ events }) => events),
            Effect.catch(() => system.mesh?.find(thread)?.lost === false ? next : Effect.never)
          )
        )
        return Stream.fromIterableEffectRepeat(next)
      }
      return Effect.as(
        Effect.acquireRelease(
          all({ _tag: "Open", trail, filter: want }),
          () => all({ _tag: "Close", trail })
        ),
        Stream.mergeAll(which.map(of), { concurrency: "unbounded" })
      )
    })

  return {
    actors,
    page: ({ filter, from, limit, thread }) => page(thread, from ?? 0, limit ?? PAGE, filter ?? {}),
    find,
    children: (which) => {
      const { address, thread } = subject(which)
      const here = actors({ thread, parent: address })
      const parent = thread === system.thread ? system.lookup(address) : undefined
      if (parent === undefined) return here
      const elsewhere: Array<ActorRef<never>> = []
      system.mesh?.tellAll(({ lives }) => elsewhere.push(...lives.childrenOf(parent)))
      return Stream.concat(
        here,
        Stream.flatMap(
          Stream.fromIterable(elsewhere),
          // One that has ended meanwhile is no child any more.
          (ref) => Stream.catch(Stream.fromEffect(find(ref)), () => Stream.empty)
        )
      )
    },
    state: (which) =>
      Effect.suspend(() => {
        const { address, thread } = subject(which)
        return Effect.flatMap(ask(thread, { _tag: "State", address }, "State"), ({ state }) =>
          state === undefined ? new NoSuchActor({ thread, address }) : Effect.succeed(state))
      }),
    suspend: (which) => act(which, (address) => ({ _tag: "Suspend", address })),
    resume: (which) => act(which, (address) => ({ _tag: "Resume", address })),
    subscribe,
    trace: (filter) => Stream.unwrap(subscribe(filter)),
    postMortem: {
      enter: (which) => act(which, (address) => ({ _tag: "Enter", address })),
      leave: (which, how) => act(which, (address) => ({ _tag: "Leave", address, end: how === "end" })),
      enterAll: everywhere(true),
      leaveAll: everywhere(false)
    }
  }
}

const wanted = ({ actor, address, failed, parent, tag }: Filter): InspectWire.Wanted => ({
  actor,
  address,
  failed,
  parent,
  tag
})
