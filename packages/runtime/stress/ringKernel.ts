/** The ring's kernels as the stress loads them: as they are, or as one of the kept mutants. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type * as BarrierModule from "../src/internal/hot/barrier.ts"
import type * as ClaimModule from "../src/internal/hot/claim.ts"
import type * as LayoutModule from "../src/internal/hot/layout.ts"
import type * as RingModule from "../src/internal/hot/ring.ts"
import type * as WaitModule from "../src/internal/hot/wait.ts"
import type * as RunnerModule from "../src/internal/pipelineRunner.ts"

/** A kernel with one mistake in it. */
export interface Mutant {
  readonly name: string
  /** Each text stands exactly once in its file: a mutant that no longer fits fails loudly. */
  readonly patches: ReadonlyArray<{ readonly file: string; readonly find: string; readonly replace: string }>
}

export const mutants = {
  publishBeforeWrite: {
    name: "the event is published before it is written",
    patches: [{
      file: "hot/claim.ts",
      find: "      write(this.#slots.at(this.#claims.first), argument, 0)\n",
      replace: "      const first = this.#claims.first\n      this.#claims.publish(1)\n" +
        "      write(this.#slots.at(first), argument, 0)\n      return true\n"
    }]
  },
  noSecondLook: {
    name: "a consumer goes to sleep without a second look",
    patches: [{
      file: "pipelineRunner.ts",
      find: "    if (!this.#look()) return false\n",
      replace: "    return false\n"
    }]
  },
  claimedIsPublished: {
    name: "a consumer takes the claimed cursor for the published one",
    patches: [{
      file: "hot/ring.ts",
      find: "    if (!this.multi) return cursor\n",
      replace: "    return cursor\n"
    }]
  },
  earlySequence: {
    name: "a consumer moves on before it has read its batch",
    patches: [{
      file: "pipelineRunner.ts",
      find: "        phase = 1\n",
      replace:
        "        Atomics.store(ring.words, 128 + consumer.index * 32, (consumer.sequence + count) | 0)\n        phase = 1\n"
    }]
  },
  missingBound: {
    name: "the only producer does not look for room",
    patches: [{
      file: "hot/claim.ts",
      find: "      if (distance(wrap, this.#gate) > 0) return false\n",
      replace: ""
    }]
  },
  missingBoundShared: {
    name: "one of several producers does not look for room",
    patches: [{
      file: "hot/claim.ts",
      find: "      if (!room) {\n",
      replace: "      if (room === undefined) {\n"
    }]
  },
  unwrapped: {
    name: "sequences are compared as plain numbers",
    patches: [{
      file: "hot/claim.ts",
      find: "    if (distance(wrap, this.#gate) > 0) {\n",
      replace: "    if (wrap > this.#gate) {\n"
    }]
  },
  followersIgnored: {
    name: "a consumer does not wait for those that it follows",
    patches: [{
      file: "hot/barrier.ts",
      find: "    const to = follows === 0\n",
      replace: "    const to = follows >= 0\n"
    }]
  },
  repairIgnoresTheLiving: {
    name: "the repair marks the claims of live producers too",
    patches: [{
      file: "hot/claim.ts",
      find: "      if (named(ring, sequence)) unsure++\n",
      replace: "      if (ring === undefined) unsure++\n"
    }]
  },
  noRepair: {
    name: "the claims of a dead producer are not marked",
    patches: [{
      file: "hot/claim.ts",
      find: "      if (mark >>> 1 !== ((sequence - capacity) | 0) >>> shift) continue\n",
      replace: "      if (mark !== undefined) continue\n"
    }]
  },
  repairTakesTheNextLap: {
    name: "the repair takes a later lap for an unpublished slot",
    patches: [{
      file: "hot/claim.ts",
      find: "      if (mark >>> 1 !== ((sequence - capacity) | 0) >>> shift) continue\n",
      replace: "      if (mark >>> 1 === sequence >>> shift) continue\n"
    }]
  },
  repairTrustsTheFlags: {
    name: "after a death only those are woken whose flags are up",
    patches: [
      {
        file: "hot/claim.ts",
        find: "  ring.bells.ringAll()\n",
        replace: "  ring.bells.ring(Atomics.load(words, R.FIRST))\n"
      },
      {
        file: "hot/ring.ts",
        find: "    Atomics.store(this.words, STATE, 1)\n    this.bells.ringAll()\n",
        replace: "    Atomics.store(this.words, STATE, 1)\n    this.bells.ring(-1)\n"
      }
    ]
  }
} satisfies { readonly [name: string]: Mutant }

const source = fileURLToPath(new URL("../src/internal/", import.meta.url))
const files = [
  "pipelineRunner.ts",
  "hot/sequence.ts",
  "hot/wait.ts",
  "hot/ring.ts",
  "hot/claim.ts",
  "hot/barrier.ts",
  "hot/layout.ts"
]

/** A directory with the mutant's kernels. Remove it with {@link remove}. */
export const write = (mutant: Mutant): string => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "ring-mutant-"))
  fs.mkdirSync(path.join(directory, "hot"))
  for (const file of files) {
    let text = fs.readFileSync(path.join(source, file), "utf8")
    for (const patch of mutant.patches.filter((patch) => patch.file === file)) {
      if (text.split(patch.find).length !== 2) throw new Error(`Mutant "${mutant.name}" does not fit ${file}`)
      text = text.replace(patch.find, () => patch.replace)
    }
    fs.writeFileSync(path.join(directory, file), text)
  }
  return pathToFileURL(directory + path.sep).href
}

export const remove = (directory: string): void =>
  fs.rmSync(fileURLToPath(directory), { recursive: true, force: true })

/** The kernels as they are. */
export const original = pathToFileURL(source).href

export type Kernel = Awaited<ReturnType<typeof load>>

/** Loads kernels from a directory that {@link write} made, or the {@link original}. */
export const load = async (directory: string) => {
  const from = <M>(file: string) => import(new URL(file, directory).href) as Promise<M>
  return {
    ring: await from<typeof RingModule>("hot/ring.ts"),
    wait: await from<typeof WaitModule>("hot/wait.ts"),
    claim: await from<typeof ClaimModule>("hot/claim.ts"),
    barrier: await from<typeof BarrierModule>("hot/barrier.ts"),
    layout: await from<typeof LayoutModule>("hot/layout.ts"),
    runner: await from<typeof RunnerModule>("pipelineRunner.ts")
  }
}
