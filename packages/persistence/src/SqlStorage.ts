/**
 * Storage in PostgreSQL, through Effect's `SqlClient`.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { Journal } from "./Journal.ts"
import { SnapshotStore } from "./SnapshotStore.ts"
import { StateStore } from "./StateStore.ts"
import { conflict, type StoreError, unavailable } from "./StoreError.ts"

/**
 * How a storage uses its database.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** What the names of its tables begin with. (Default: `troupe`) */
  readonly prefix?: string | undefined
}

/** Rows of a journal read at once. */
const PAGE = 1000

/** Any number: who makes the tables at the same time takes turns by it. */
const LOCK = 0x74726f75

/**
 * The tables, in SQL.
 *
 * - `PREFIX_ids`: for each id the sequence of its last event. Its row is what writers of one id take turns by.
 * - `PREFIX_events`: the events.
 * - `PREFIX_snapshots`, `PREFIX_states`: what their names say.
 */
const names = (prefix: string) => {
  const quoted = (name: string): string => `"${`${prefix}_${name}`.replaceAll("\"", "\"\"")}"`
  return {
    ids: quoted("ids"),
    events: quoted("events"),
    snapshots: quoted("snapshots"),
    states: quoted("states")
  }
}

/** Makes the tables that are not there. */
const prepare = (sql: SqlClient, prefix: string): Effect.Effect<void, SqlError> => {
  const { events, ids, snapshots, states } = names(prefix)
  return sql.withTransaction(Effect.gen(function*() {
    yield* sql.unsafe(`SELECT pg_advisory_xact_lock(${LOCK})`)
    yield* sql.unsafe(`CREATE TABLE IF NOT EXISTS ${ids} (id text PRIMARY KEY, last bigint NOT NULL)`)
    yield* sql.unsafe(
      `CREATE TABLE IF NOT EXISTS ${events}
        (id text, sequence bigint, at bigint NOT NULL, event bytea NOT NULL, PRIMARY KEY (id, sequence))`
    )
    yield* sql.unsafe(
      `CREATE TABLE IF NOT EXISTS ${snapshots}
        (id text, sequence bigint, at bigint NOT NULL, state bytea NOT NULL, PRIMARY KEY (id, sequence))`
    )
    yield* sql.unsafe(
      `CREATE TABLE IF NOT EXISTS ${states}
        (id text PRIMARY KEY, revision bigint NOT NULL, at bigint NOT NULL, state bytea NOT NULL)`
    )
  }))
}

/** What the services share: a query on behalf of an id, with typed errors. */
const querying =
  (sql: SqlClient) => <Row extends object>(id: string, query: string, params: ReadonlyArray<unknown>) =>
    Effect.mapError(sql.unsafe<Row>(query, params), (error) => unavailable(id, error))

interface Count {
  readonly count: bigint | number | string
}

const countOf = (rows: ReadonlyArray<Count>): number => Number(rows[0]!.count)

const journal = ({ prefix = "troupe" }: Options) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient
    const clock = yield* Clock.Clock
    const query = querying(sql)
    const { events, ids } = names(prefix)

    const last = (id: string): Effect.Effect<number, StoreError> =>
      Effect.map(
        query<{ readonly last: bigint }>(id, `SELECT last FROM ${ids} WHERE id = $1`, [id]),
        (rows) => Number(rows[0]?.last ?? 0)
      )

    // One statement, so that it is one journey and all or nothing. The id's row is locked by the first who moves it
    // on; whoever had the same expectation finds another number when it comes to it.
    const append = `
      WITH moved AS (
        INSERT INTO ${ids} AS known (id, last)
        SELECT $1, $2::bigint + $3::bigint WHERE $2::bigint = 0 OR EXISTS (SELECT 1 FROM ${ids} WHERE id = $1)
        ON CONFLICT (id) DO UPDATE SET last = excluded.last WHERE known.last = $2::bigint
        RETURNING 1
      ), written AS (
        INSERT INTO ${events} (id, sequence, at, event)
        SELECT $1, $2::bigint + place, $4::bigint, event
        FROM moved, unnest($5::bytea[]) WITH ORDINALITY AS given (event, place)
      )
      SELECT count(*) AS count FROM moved`

    const page = (id: string, after: number, upTo: number) =>
      query<{ readonly sequence: bigint; readonly at: bigint; readonly event: Uint8Array }>(
        id,
        `SELECT sequence, at, event FROM ${events} WHERE id = $1 AND sequence > $2 AND sequence <= $3
         ORDER BY sequence LIMIT ${PAGE}`,
        [id, after, upTo]
      )

    return Journal.of({
      durability: "each",
      writeUnsafe: (id, expected, written) =>
        Effect.gen(function*() {
          const params = [id, expected, written.length, clock.currentTimeMillisUnsafe(), written]
          if (countOf(yield* query<Count>(id, append, params)) === 0) {
            return yield* Effect.fail(conflict(id, expected, yield* last(id)))
          }
          return { last: expected + written.length, stored: Effect.void }
        }),
      sync: Effect.void,
      read: (id, { after = 0, upTo } = {}) =>
        Stream.unwrap(Effect.map(upTo === undefined ? last(id) : Effect.succeed(upTo), (upTo) =>
          Stream.paginate(after, (after) =>
            Effect.map(page(id, after, upTo), (rows) => {
              const some = rows.map(({ at, event, sequence }) => ({
                sequence: Number(sequence),
                at: Number(at),
                bytes: event
              }))
              return [some, rows.length < PAGE ? Option.none() : Option.some(some.at(-1)!.sequence)] as const
            })))),
      last,
      discard: (id, upTo) =>
        Effect.asVoid(query(id, `DELETE FROM ${events} WHERE id = $1 AND sequence <= $2`, [id, upTo])),
      ids: Stream.mapError(
        Stream.map(sql.unsafe<{ readonly id: string }>(`SELECT id FROM ${ids}`).stream, ({ id }) =>
          id),
        (error) => unavailable("", error)
      )
    })
  })

const snapshots = ({ prefix = "troupe" }: Options) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const query = querying(yield* SqlClient)
    const { snapshots } = names(prefix)
    return SnapshotStore.of({
      save: (id, sequence, bytes) =>
        Effect.asVoid(Effect.suspend(() =>
          query(
            id,
            `INSERT INTO ${snapshots} (id, sequence, at, state) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id, sequence) DO UPDATE SET at = excluded.at, state = excluded.state`,
            [id, sequence, clock.currentTimeMillisUnsafe(), bytes]
          )
        )),
      latest: (id) =>
        Effect.map(
          query<{ readonly sequence: bigint; readonly at: bigint; readonly state: Uint8Array }>(
            id,
            `SELECT sequence, at, state FROM ${snapshots} WHERE id = $1 ORDER BY sequence DESC LIMIT 1`,
            [id]
          ),
          ([row]) =>
            Option.map(Option.fromUndefinedOr(row), ({ at, sequence, state }) => ({
              sequence: Number(sequence),
              at: Number(at),
              bytes: state
            }))
        ),
      sequences: (id) =>
        Effect.map(
          query<{ readonly sequence: bigint }>(
            id,
            `SELECT sequence FROM ${snapshots} WHERE id = $1 ORDER BY sequence`,
            [id]
          ),
          (rows) => rows.map(({ sequence }) => Number(sequence))
        ),
      discard: (id, upTo) =>
        Effect.asVoid(query(id, `DELETE FROM ${snapshots} WHERE id = $1 AND sequence <= $2`, [id, upTo]))
    })
  })

const states = ({ prefix = "troupe" }: Options) =>
  Effect.gen(function*() {
    const clock = yield* Clock.Clock
    const query = querying(yield* SqlClient)
    const { states } = names(prefix)

    const load = (id: string) =>
      Effect.map(
        query<{ readonly revision: bigint; readonly at: bigint; readonly state: Uint8Array }>(
          id,
          `SELECT revision, at, state FROM ${states} WHERE id = $1`,
          [id]
        ),
        ([row]) =>
          Option.map(Option.fromUndefinedOr(row), ({ at, revision, state }) => ({
            revision: Number(revision),
            at: Number(at),
            bytes: state
          }))
      )

    const refused = (id: string, expected: number) =>
      Effect.flatMap(load(id), (there) =>
        Effect.fail(conflict(
          id,
          expected,
          Option.match(there, { onNone: () => 0, onSome: (one) => one.revision })
        )))

    const first = `
      WITH saved AS (
        INSERT INTO ${states} (id, revision, at, state) VALUES ($1, $2::bigint + 1, $3, $4)
        ON CONFLICT (id) DO NOTHING RETURNING 1
      ) SELECT count(*) AS count FROM saved`
    const next = `
      WITH saved AS (
        UPDATE ${states} SET revision = $2::bigint + 1, at = $3, state = $4 WHERE id = $1 AND revision = $2::bigint
        RETURNING 1
      ) SELECT count(*) AS count FROM saved`
    const removed = `
      WITH removed AS (DELETE FROM ${states} WHERE id = $1 AND revision = $2::bigint RETURNING 1)
      SELECT count(*) AS count FROM removed`

    return StateStore.of({
      load,
      save: (id, expected, bytes) =>
        Effect.gen(function*() {
          const params = [id, expected, clock.currentTimeMillisUnsafe(), bytes]
          const saved = countOf(yield* query<Count>(id, expected === 0 ? first : next, params))
          return saved === 0 ? yield* refused(id, expected) : expected + 1
        }),
      remove: (id, expected) =>
        Effect.flatMap(
          query<Count>(id, removed, [id, expected]),
          (rows) => countOf(rows) === 0 && expected !== 0 ? refused(id, expected) : Effect.void
        )
    })
  })

/**
 * A journal, snapshots and states in a PostgreSQL database, which any number of processes may share. Tables that are not
 * there are made.
 *
 * **Details**
 *
 * What is `stored` has been committed: it is as safe as the server's `synchronous_commit` and `fsync` make it, which by
 * default is on its device. A write is one statement. Another database than PostgreSQL is refused, as a defect.
 *
 * **Example** (With a client of `@effect/sql-pg`)
 *
 * ```ts
 * import { Layer } from "effect"
 * import { SqlClient } from "effect/sql/SqlClient"
 * import { SqlStorage } from "@troupe/persistence"
 *
 * declare const client: Layer.Layer<SqlClient>
 *
 * const StorageLive = SqlStorage.layer({ prefix: "accounts" }).pipe(Layer.provide(client))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<Journal | SnapshotStore | StateStore, SqlError, SqlClient> =>
  Layer.unwrap(Effect.gen(function*() {
    const sql = yield* SqlClient
    const known = sql.onDialectOrElse({ pg: () => true, orElse: () => false })
    if (!known) return yield* Effect.die(new Error(`SqlStorage is for PostgreSQL, not for ${sql.driver}`))
    yield* prepare(sql, options.prefix ?? "troupe")
    return Layer.mergeAll(
      Layer.effect(Journal, journal(options)),
      Layer.effect(SnapshotStore, snapshots(options)),
      Layer.effect(StateStore, states(options))
    )
  }))
