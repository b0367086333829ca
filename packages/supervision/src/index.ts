/**
 * Supervision of actors as composable schedules.
 *
 * @since 0.1.0
 */
export * as RestartPolicy from "./RestartPolicy.ts"
