/**
 * Objects whose keys come from the wire, or from a schema: names are data.
 *
 * **Contract**: one thread; `target` is an object nobody else has yet.
 *
 * **Invariant**: whatever the key, an own, enumerable, writable property of
 * `target` and nothing else changes; what one key allocates is bounded.
 *
 * **Ordering**: none.
 *
 * **Allocation**: the property.
 *
 * **Evidence**: `test/Codec.test.ts`, "names are data"; `test/Codec.fuzz.test.ts`, the bound on memory.
 */

/** Sets an own property by a name that may be any. */
export const setKey = (target: object, key: PropertyKey, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
    return
  }
  if (typeof key === "string" && key.length < 5 && key.length > 1 && isDigits(key)) makeSparse(target)
  ;(target as { [key: PropertyKey]: unknown })[key] = value
}

// V8 gives an object a dense array for the sake of one index of up to some 1,500,
// so seven bytes of a hostile record would cost twelve kilobytes. An element
// that is not writable makes the elements a dictionary, which they then stay.
// Indexes of five digits and more are beyond the gap that V8 fills.
const makeSparse = (target: object): void => {
  Object.defineProperty(target, sparse, { value: 0, writable: false, enumerable: false, configurable: true })
  delete (target as { [key: string]: unknown })[sparse]
}

const sparse = "4294967293"

const isDigits = (key: string): boolean => {
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i)
    if (unit < 48 || unit > 57) return false
  }
  return true
}

/** Reads a property by a name that may be any: never one that every object inherits. */
export const getKey = (target: object, key: PropertyKey): unknown =>
  isInherited(key) && !Object.hasOwn(target, key)
    ? undefined
    : (target as { readonly [key: PropertyKey]: unknown })[key]

/** Whether the property is there, for a name that may be any. */
export const hasKey = (target: object, key: PropertyKey): boolean =>
  isInherited(key) ? Object.hasOwn(target, key) : key in target

/** Whether every object has something by this name, own or not. */
export const isInherited = (key: PropertyKey): boolean => key in Object.prototype
