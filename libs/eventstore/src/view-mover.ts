import { DatabaseError } from 'pg';
import { type Batch, commitOf, type StorePosition } from './follow.js';
import type { Changes, View } from './view.js';
import type { Writer } from './view-writer.js';

export interface Log {
  warn(message: string): void;
  error(error: unknown, message?: string): void;
}

/** Brings one view from position to position, wherever its rows are. */
export class ViewMover {
  constructor(
    private readonly deps: { log: Log },
    private readonly view: View,
    private readonly writer: Writer,
  ) {}

  /**
   * Where the view stands now: at the batch's position, or before it when the rest has to be moved again. Null when
   * the view is not where we thought, and nothing happened.
   */
  async move(from: StorePosition | null, { events: all, position }: Batch): Promise<StorePosition | null> {
    const events = all.filter((event) => event.commit > commitOf(from));
    await this.writer.begin();
    let parked: Changes['parked'];
    try {
      const changes = await this.view.changes(events, this.writer.rows);
      if (!(await this.writer.write(changes, from, position))) return null;
      parked = changes.parked;
    } catch (error) {
      if (!isUnwritable(error) && !isTooSlow(error)) throw error;
      return this.moveAround(error, from, { events, position });
    }
    this.report(parked);
    return position;
  }

  /** What the database refuses must not hold up the rest: found by halving, it is put aside. Half takes less time, too. */
  private async moveAround(error: unknown, from: StorePosition | null, batch: Batch): Promise<StorePosition | null> {
    const [event] = batch.events;
    if (!event || (batch.events.length === 1 && isTooSlow(error))) throw error;
    if (batch.events.length > 1) {
      const half = batch.events.slice(0, batch.events.length / 2);
      const { commit, prepare } = half.at(-1)!;
      return this.move(from, { events: half, position: { commit, prepare } });
    }
    const aside: Changes = { added: [], changed: [], removed: [], parked: [{ event, error }] };
    if (!(await this.writer.write(aside, from, batch.position))) return null;
    this.report(aside.parked);
    return batch.position;
  }

  private report(parked: Changes['parked']): void {
    for (const { event, error } of parked) {
      this.deps.log.error(error, `view ${this.view.name}: parked ${event.event.type} of ${event.stream}`);
    }
  }
}

/**
 * SQLSTATE classes 22 and 23: a value that no column takes, such as a NUL character or none, or an id that is no UUID. The
 * same again will not help.
 */
const isUnwritable = (error: unknown): boolean => error instanceof DatabaseError && /^2[23]/.test(error.code ?? '');

/** SQLSTATE 57014: the statement took longer than one may. */
const isTooSlow = (error: unknown): boolean => error instanceof DatabaseError && error.code === '57014';
