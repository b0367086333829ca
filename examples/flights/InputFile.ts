/**
 * The file that a source reads: positional reads, and one way to say what is wrong with it.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Fs from "node:fs/promises"

/** The input cannot be read, or is not what it should be. The message is one line. */
export class InputError extends Schema.TaggedError<InputError>()("InputError", {
  path: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.path}: ${this.problem}`.replaceAll(/\s+/g, " ")
  }
}

export interface InputFile {
  readonly path: string
  /** In bytes. */
  readonly size: number
  /** The bytes from `start` up to, not including, `end`; fewer only where the file ends. */
  readonly read: (start: number, end: number) => Effect.Effect<Uint8Array<ArrayBuffer>, InputError>
  /** The same for libraries that want promises. */
  readonly readPromise: (start: number, end: number) => Promise<Uint8Array<ArrayBuffer>>
  readonly fail: (problem: string) => InputError
}

const problems: Record<string, string> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "is a directory",
  ELOOP: "too many symbolic links"
}

const describe = (error: unknown): string => {
  const code = (error as { readonly code?: string } | undefined)?.code
  return problems[code ?? ""] ?? `cannot be read (${code ?? String(error)})`
}

/** Opens a regular, non-empty file for as long as the scope lasts. */
export const open = Effect.fnUntraced(function*(
  path: string
): Effect.fn.Return<InputFile, InputError, Scope.Scope> {
  const fail = (problem: string) => new InputError({ path, problem })
  const attempt = <A>(promise: () => Promise<A>) =>
    Effect.tryPromise({ try: promise, catch: (error) => fail(describe(error)) })
  // Asked before it is opened: opening a pipe would wait for its writer.
  const stat = yield* attempt(() => Fs.stat(path))
  if (stat.isDirectory()) return yield* fail("is a directory, not a file")
  if (!stat.isFile()) return yield* fail("is not a regular file")
  if (stat.size === 0) return yield* fail("is empty")
  const handle = yield* Effect.acquireRelease(
    attempt(() => Fs.open(path)),
    (handle) => Effect.promise(() => handle.close())
  )
  const readPromise = (start: number, end: number): Promise<Uint8Array<ArrayBuffer>> => {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, stat.size) - start))
    const from = (filled: number): Promise<Uint8Array<ArrayBuffer>> =>
      handle.read(bytes, filled, bytes.length - filled, start + filled).then(({ bytesRead }) => {
        const total = filled + bytesRead
        if (total === bytes.length) return bytes
        return bytesRead === 0 ? bytes.subarray(0, total) : from(total)
      })
    return bytes.length === 0 ? Promise.resolve(bytes) : from(0)
  }
  return {
    path,
    size: stat.size,
    read: (start, end) => attempt(() => readPromise(start, end)),
    readPromise,
    fail
  }
})
