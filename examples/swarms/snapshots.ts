/**
 * A swarm that a process leaves within a turn, and the next one goes on with from its last snapshot.
 *
 * node --conditions=@troupe/source examples/swarms/snapshots.ts
 */
import { MappedMemory, SwarmSnapshot } from "@troupe/persistence"
import { ActorSystem, Layout, Swarm } from "@troupe/runtime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { MinimumLogLevel } from "effect/References"
import * as Schema from "effect/Schema"
import { Rpc, RpcGroup } from "effect/rpc"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

const Account = Swarm.make("Account", {
  protocol: RpcGroup.make(Rpc.make("Interest"), Rpc.make("Crash")),
  state: Schema.Struct({ balance: Schema.Number, years: Layout.Int32 }),
  keep: true,
  turns: "manual"
})

const AccountLive = Account.toLayer({
  handlers: {
    Interest: (account) => {
      account.balance *= 1.5
      account.years++
    },
    Crash: (account, _, { turn }) => {
      account.years = -turn
      // Half of them have had it.
      if (account.balance > 500) process.kill(process.pid, "SIGKILL")
    }
  }
}).pipe(Layer.provide(Layer.effectDiscard(SwarmSnapshot.recover(Account))))

/** What each process does: two years, and in the first process a third one that ends it. */
const work = (crashes: boolean) =>
  Effect.gen(function*() {
    const accounts = yield* Account.population
    if (accounts.count === 0) yield* accounts.spawnMany(1000, (balance) => ({ balance, years: 0 }))
    for (let year = 0; year < 2; year++) {
      yield* accounts.broadcast("Interest")
      yield* accounts.step
    }
    yield* SwarmSnapshot.take(accounts, "latest")
    if (crashes) {
      yield* accounts.broadcast("Crash")
      yield* accounts.step
    }
    const { balance, years } = yield* accounts.columnStats
    yield* Console.log(
      `${accounts.count} accounts, ${years!.min} to ${years!.max} years, ${balance!.mean} on average`
    )
  }).pipe(Effect.provide(AccountLive), Effect.provide(ActorSystem.layer))

const [directory] = process.argv.slice(2)
if (directory !== undefined) {
  await work(true).pipe(Effect.provide(MappedMemory.layer({ directory })), Effect.runPromise)
} else {
  const directory = mkdtempSync(join(tmpdir(), "accounts-"))
  const { signal } = spawnSync(
    process.execPath,
    ["--conditions=@troupe/source", fileURLToPath(import.meta.url), directory],
    { stdio: "inherit" }
  )
  console.log(`ended by ${signal}`) // => ended by SIGKILL
  // That it goes on from a snapshot is in the log, as a warning.
  await work(false).pipe(
    Effect.provide(MappedMemory.layer({ directory })),
    Effect.provideService(MinimumLogLevel, "Error"),
    Effect.runPromise
  )
  // => 1000 accounts, 4 to 4 years, 2528.71875 on average
  rmSync(directory, { recursive: true })
}
