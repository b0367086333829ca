/** What type tests are made of. */

/** Whether two types are the same, and neither is `any` unless both are. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false

/** Whether a type is `any`. */
export type IsAny<A> = 0 extends (1 & A) ? true : false

/** Whether all are false. */
export type None<A extends boolean> = [A] extends [false] ? true : false

/** Compiles if it holds. */
export const typed = <_ extends true>(): void => {}
