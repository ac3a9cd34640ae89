/** What was read lately of so many things. What was read before an erasure never comes back after it. */
export class Remembered<T> {
  private readonly all = new Map<string, T>();
  /** What is being read just now. */
  private readonly reads = new Set<{ name: string; isErased: boolean }>();

  constructor(private readonly most: number) {}

  get(name: string): T | undefined {
    return this.all.get(name);
  }

  /** Reads something that is kept, as far as it was read, unless its texts are erased meanwhile. */
  async reading<R>(name: string, read: (keep: (read: T) => void) => Promise<R>): Promise<R> {
    const underWay = { name, isErased: false };
    this.reads.add(underWay);
    try {
      return await read((soFar) => {
        if (!underWay.isErased) this.keep(name, soFar);
      });
    } finally {
      this.reads.delete(underWay);
    }
  }

  forget(name: string): void {
    this.all.delete(name);
  }

  /** Its texts have been erased: what is being read of it just now is not kept either. */
  erase(isIt: (name: string) => boolean): void {
    for (const underWay of this.reads) if (isIt(underWay.name)) underWay.isErased = true;
    for (const name of [...this.all.keys()]) if (isIt(name)) this.all.delete(name);
  }

  private keep(name: string, read: T): void {
    this.all.delete(name);
    if (this.all.size >= this.most) this.all.delete(this.all.keys().next().value!);
    this.all.set(name, read);
  }
}
