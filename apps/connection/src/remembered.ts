/** What was read lately, the `most` that all of it may weigh. What was read before an erasure never comes back after it. */
export class Remembered<T> {
  private readonly all = new Map<string, { read: T; weight: number }>();
  private weight = 0;
  /** What is being read just now. */
  private readonly reads = new Set<{ name: string; isErased: boolean }>();

  constructor(
    private readonly most: number,
    private readonly weigh: (read: T) => number = () => 1,
  ) {}

  get(name: string): T | undefined {
    return this.all.get(name)?.read;
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
    const kept = this.all.get(name);
    if (!kept) return;
    this.weight -= kept.weight;
    this.all.delete(name);
  }

  /** Its texts have been erased: what is being read of it just now is not kept either. */
  erase(isIt: (name: string) => boolean): void {
    for (const underWay of this.reads) if (isIt(underWay.name)) underWay.isErased = true;
    for (const name of [...this.all.keys()]) if (isIt(name)) this.forget(name);
  }

  private keep(name: string, read: T): void {
    const kept = this.all.get(name);
    // To weigh it may mean to go through all of it.
    const weight = kept?.read === read ? kept.weight : this.weigh(read);
    this.forget(name);
    this.all.set(name, { read, weight });
    this.weight += weight;
    for (const oldest of this.all.keys()) {
      if (this.weight <= this.most) break;
      this.forget(oldest);
    }
  }
}
