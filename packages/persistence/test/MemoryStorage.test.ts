import { describe, it } from "@effect/vitest"
import * as MemoryStorage from "@troupe/persistence/MemoryStorage"
import * as StorageConformance from "@troupe/persistence/testing/StorageConformance"
import * as Effect from "effect/Effect"

describe("MemoryStorage", () => {
  for (const { name, run } of StorageConformance.cases("memory")) {
    it.effect(name, () => Effect.provide(run, MemoryStorage.layer))
  }
})
