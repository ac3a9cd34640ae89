/**
 * Says once that a call has ended. An AbortSignal would do, but each read makes one, and aborting it costs more than
 * looking up the event.
 */
export class CallEnd {
  #hasCome = false;
  readonly #listeners = new Set<() => void>();

  get hasCome(): boolean {
    return this.#hasCome;
  }

  come(): void {
    this.#hasCome = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  add(listener: () => void): void {
    if (this.#hasCome) listener();
    else this.#listeners.add(listener);
  }

  remove(listener: () => void): void {
    this.#listeners.delete(listener);
  }
}
