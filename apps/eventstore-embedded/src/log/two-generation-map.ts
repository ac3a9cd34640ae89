/**
 * A bounded map that forgets what was not used for longest, in constant time: entries are read back from the old
 * generation into the young one, and a full young generation becomes the old one. (Evicting the first key of one
 * ordinary Map is linear in the keys deleted before it.)
 */
export class TwoGenerationMap<V> {
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  readonly #generationSize: number;

  constructor(maxEntries: number) {
    this.#generationSize = Math.max(1, Math.floor(maxEntries / 2));
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    this.#old.delete(key);
    this.#young.set(key, value);
    if (this.#young.size < this.#generationSize) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
