/**
 * Supervision of actors as composable schedules. The package is reserved and empty: it has its name and its place in
 * the house, and nothing to import yet.
 *
 * @since 0.1.0
 */
// oxlint-disable-next-line unicorn/require-module-specifiers -- a module without exports is what an empty package is
export {}
