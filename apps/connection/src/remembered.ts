/** What was read lately of so many things. What was read before an erasure never comes back after it. */
export class Remembered<T> {
  private readonly all = new Map<string, T>();
  private erasures = 0;

  constructor(private readonly most: number) {}

  get(name: string): T | undefined {
    return this.all.get(name);
  }

  /** For what is read from now on: keeps it, unless something has been erased since. */
  keeper(): (name: string, read: T) => void {
    const { erasures } = this;
    return (name, read) => {
      if (erasures === this.erasures) this.keep(name, read);
    };
  }

  forget(name: string): void {
    this.all.delete(name);
  }

  /** Its texts have been erased: what is being read just now is not kept either. */
  erase(isIt: (name: string) => boolean): void {
    this.erasures += 1;
    for (const name of [...this.all.keys()]) if (isIt(name)) this.all.delete(name);
  }

  private keep(name: string, read: T): void {
    this.all.delete(name);
    if (this.all.size >= this.most) this.all.delete(this.all.keys().next().value!);
    this.all.set(name, read);
  }
}
