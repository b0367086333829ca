/**
 * The test topology: one project for each kind of evidence.
 *
 * - `unit`: behaviour, by example and by property; one thread.
 * - `threads`: what needs real worker threads.
 * - `docs`: the README's and the pages' examples, extracted and run; the packed packages.
 * - `stress`: kernels between threads, with allowed and forbidden outcomes, in a short fixed budget.
 *
 * What must and must not compile is in `typetest`, and checked by `tsc`.
 */
const conditions = ["@troupe/source"]
const source = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } }
}
const execArgv = conditions.map((condition) => `--conditions=${condition}`)

export const projects = [
  {
    ...source,
    test: {
      name: "unit",
      include: ["packages/*/test/**/*.test.ts"],
      exclude: ["**/*.threads.test.ts"],
      execArgv,
      testTimeout: 30_000
    }
  },
  {
    ...source,
    test: {
      name: "threads",
      include: ["packages/*/test/**/*.threads.test.ts", "examples/**/*.test.ts"],
      execArgv,
      testTimeout: 60_000
    }
  },
  {
    ...source,
    test: { name: "stress", include: ["packages/*/stress/**/*.test.ts"], execArgv, testTimeout: 120_000 }
  },
  {
    ...source,
    test: { name: "docs", include: ["docs/**/*.test.ts"], execArgv, testTimeout: 300_000 }
  }
]
