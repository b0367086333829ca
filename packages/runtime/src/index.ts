/**
 * Actors as Effect fibers, with schema-typed messages, on one thread or across worker threads.
 *
 * @since 0.1.0
 */
export * as Actor from "./Actor.ts"
export * as ActorContext from "./ActorContext.ts"
export * as ActorId from "./ActorId.ts"
export * as ActorRef from "./ActorRef.ts"
export * as ActorSystem from "./ActorSystem.ts"
export * as ActorWorker from "./ActorWorker.ts"
export * as Ask from "./Ask.ts"
export * as AskError from "./AskError.ts"
export * as Codec from "./Codec.ts"
export * as DeadLetter from "./DeadLetter.ts"
export * as Layout from "./Layout.ts"
export * as Mailbox from "./Mailbox.ts"
export * as Memory from "./Memory.ts"
export * as Overseer from "./Overseer.ts"
export * as Pipeline from "./Pipeline.ts"
export * as Placement from "./Placement.ts"
export * as Pooled from "./Pooled.ts"
export * as PoolError from "./PoolError.ts"
export * as QuorumError from "./QuorumError.ts"
export * as RingBuffer from "./RingBuffer.ts"
export * as Signal from "./Signal.ts"
export * as SpawnError from "./SpawnError.ts"
export * as Step from "./Step.ts"
export * as WaitStrategy from "./WaitStrategy.ts"
