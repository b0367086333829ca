import { defineConfig } from "vitest/config"
import { projects } from "./vitest.workspace.ts"

// All cores: by default one of them stays idle, which is half of a machine with two.
export default defineConfig({ test: { projects, maxWorkers: "100%" } })
