/** Takes the first of a queue, as many as fit; one always does. */
export const takeUpTo =
  <T>(count: number, bytes = Infinity, sizeOf: (item: T) => number = () => 0) =>
  (queue: T[]): T[] => {
    let [taken, size] = [0, 0];
    while (taken < Math.min(queue.length, count)) {
      size += sizeOf(queue[taken]!);
      if (taken > 0 && size > bytes) break;
      taken += 1;
    }
    return queue.splice(0, taken);
  };

export type Waiting<Item, Reply> = Item & { answer: (reply: Reply) => void; refuse: (error: unknown) => void };

/**
 * Items of one name go in turn: all that wait while some are under way go together next, as many as `next` takes out
 * of the queue. `together` answers or refuses each of them; what it throws refuses those it has not answered.
 */
export class BatchQueue<Item extends object, Reply> {
  private readonly queues = new Map<string, Waiting<Item, Reply>[]>();

  constructor(
    private readonly next: (queue: Waiting<Item, Reply>[]) => Waiting<Item, Reply>[],
    private readonly together: (name: string, batch: Waiting<Item, Reply>[]) => Promise<void>,
  ) {}

  add(name: string, item: Item): Promise<Reply> {
    return new Promise((answer, refuse) => {
      const waiting = { ...item, answer, refuse };
      const queue = this.queues.get(name);
      if (queue) return void queue.push(waiting);
      this.queues.set(name, [waiting]);
      void this.drain(name, this.queues.get(name)!);
    });
  }

  private async drain(name: string, queue: Waiting<Item, Reply>[]): Promise<void> {
    while (queue.length > 0) {
      const batch = this.next(queue);
      await this.together(name, batch).catch((error: unknown) => batch.forEach(({ refuse }) => refuse(error)));
    }
    this.queues.delete(name);
  }
}
