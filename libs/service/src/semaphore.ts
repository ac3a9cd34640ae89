/** Lets so many be at work at once. The others wait, and are let in in the order in which they came. */
export class Semaphore {
  private readonly queue: (() => void)[] = [];

  constructor(private free: number) {}

  get waiting(): number {
    return this.queue.length;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((admit) => this.queue.push(admit));
    try {
      return await work();
    } finally {
      const admit = this.queue.shift();
      if (admit) admit();
      else this.free++;
    }
  }
}
