/** Values by key, for as long as somebody else holds them. */
export class WeakCache<in out K, in out V extends WeakKey> {
  private readonly refs = new Map<K, WeakRef<V>>()
  private readonly registry = new FinalizationRegistry<K>((key) => {
    // Another value may have taken the key since.
    if (this.refs.get(key)?.deref() === undefined) this.refs.delete(key)
  })

  get size(): number {
    return this.refs.size
  }

  get(key: K): V | undefined {
    return this.refs.get(key)?.deref()
  }

  set(key: K, value: V): void {
    this.refs.set(key, new WeakRef(value))
    this.registry.register(value, key)
  }
}
