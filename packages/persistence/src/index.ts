/**
 * What outlives a process: memory in files, channels.
 *
 * @since 0.1.0
 */
export * as MappedMemory from "./MappedMemory.ts"
export * as StorageError from "./StorageError.ts"
