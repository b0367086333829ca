/**
 * Supervision of actors as composable schedules.
 *
 * @since 0.1.0
 */
export * as Child from "./Child.ts"
export * as Escalation from "./Escalation.ts"
export * as Faults from "./Faults.ts"
export * as RestartPolicy from "./RestartPolicy.ts"
export * as Strategy from "./Strategy.ts"
export * as Supervisor from "./Supervisor.ts"
export * as SupervisorError from "./SupervisorError.ts"
export * as SupervisorEvent from "./SupervisorEvent.ts"
export * as SupervisorProtocol from "./SupervisorProtocol.ts"
