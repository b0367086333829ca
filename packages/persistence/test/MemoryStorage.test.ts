import { describe, it } from "@effect/vitest"
import * as MemoryStorage from "@troupe/persistence/MemoryStorage"
import * as StorageConformance from "@troupe/persistence/testing/StorageConformance"

describe("MemoryStorage", () => {
  for (const { name, run } of StorageConformance.cases({ layer: MemoryStorage.layer })) {
    it.effect(name, () => run)
  }
})
