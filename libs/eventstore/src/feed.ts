import type { EventStoreDBClient } from '@eventstore/db-client';
import { type Batch, commitOf, follow, type StorePosition } from './follow.js';
import type { Projector } from './projector.js';

/** One subscription for projectors that hear of the same streams: an event is read once, however many views it is in. */
export class Feed {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: EventStoreDBClient,
    private readonly projectors: Projector[],
  ) {}

  start(): void {
    this.running = follow({
      client: this.client,
      prefixes: this.projectors[0]!.view.prefixes,
      signal: this.stopping.signal,
      load: () => this.load(),
      apply: (batch) => this.apply(batch),
      isKept: () => this.isKept(),
      onCaughtUp: () => this.projectors.forEach((projector) => projector.onCaughtUp()),
      onHead: () => this.projectors.forEach((projector) => projector.onHead()),
      onFailure: (error) => this.projectors.forEach((projector) => projector.onFailure(error)),
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** The one that stands furthest back decides; the others pass over what they have. */
  private async load(): Promise<StorePosition | null> {
    const places = await Promise.all(this.projectors.map((projector) => projector.begin()));
    return places.reduce((first, place) => (commitOf(place) < commitOf(first) ? place : first));
  }

  private async isKept(): Promise<boolean> {
    return (await Promise.all(this.projectors.map((projector) => projector.isKept()))).every(Boolean);
  }

  /** Ends only when all of them have: none may still be at work on a batch when it comes again. */
  private async apply(batch: Batch): Promise<void> {
    const ends = await Promise.allSettled(this.projectors.map((projector) => projector.apply(batch)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}
