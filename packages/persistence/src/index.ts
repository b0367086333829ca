/**
 * What outlives a process: memory in files, channels, journals, event-sourced actors.
 *
 * @since 0.1.0
 */
export * as Channel from "./Channel.ts"
export * as ChannelError from "./ChannelError.ts"
export * as Decision from "./Decision.ts"
export * as DiskStorage from "./DiskStorage.ts"
export * as DurableState from "./DurableState.ts"
export * as EventSourced from "./EventSourced.ts"
export * as FileError from "./FileError.ts"
export * as Format from "./Format.ts"
export * as Journal from "./Journal.ts"
export * as Kekbit from "./Kekbit.ts"
export * as MappedMemory from "./MappedMemory.ts"
export * as MemoryStorage from "./MemoryStorage.ts"
export * as Outbox from "./Outbox.ts"
export * as RecoveryError from "./RecoveryError.ts"
export * as SnapshotPolicy from "./SnapshotPolicy.ts"
export * as SnapshotStore from "./SnapshotStore.ts"
export * as SqlStorage from "./SqlStorage.ts"
export * as StateStore from "./StateStore.ts"
export * as StoreError from "./StoreError.ts"
export * as SwarmSnapshot from "./SwarmSnapshot.ts"
export * as SwarmSnapshotError from "./SwarmSnapshotError.ts"
export * as Versioned from "./Versioned.ts"
