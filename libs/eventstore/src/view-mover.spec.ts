import { describe, expect, it } from '@jest/globals';
import { DatabaseError } from 'pg';
import type { Recorded } from './recorded.js';
import { ViewMover } from './view-mover.js';
import type { Changes, View } from './view.js';
import type { Writer } from './view-writer.js';

const log = { warn: () => undefined, error: () => undefined };
const view: View = {
  name: 'things',
  prefixes: [],
  entity: Object,
  changes: (batch) => Promise.resolve({ added: batch, changed: [], removed: [], parked: [] }),
};
const events = [1n, 2n, 3n, 4n, 5n].map((at) => ({ commit: at, prepare: at }) as Recorded);
const position = { commit: 6n, prepare: 6n };

/** A database in which as many rows as this can be written before a statement's time is over. */
class SlowWriter implements Writer {
  readonly written: Changes[] = [];
  readonly rows = { table: 'things', query: () => Promise.resolve([]) };

  constructor(private readonly most: number) {}

  begin = () => Promise.resolve();

  write(changes: Changes): Promise<boolean> {
    if (changes.added.length > this.most) {
      return Promise.reject(Object.assign(new DatabaseError('timeout', 0, 'error'), { code: '57014' }));
    }
    this.written.push(changes);
    return Promise.resolve(true);
  }
}

describe('a batch that takes too long to write', () => {
  it('is written in parts, and nothing of it is put aside', async () => {
    const writer = new SlowWriter(2);
    const mover = new ViewMover({ log }, view, writer);
    let at = await mover.move(null, { events, position });
    while (at !== null && at.commit < position.commit) at = await mover.move(at, { events, position });
    expect(writer.written.flatMap(({ added }) => added)).toEqual(events);
    expect(writer.written.flatMap(({ parked }) => parked)).toEqual([]);
  });

  it('is tried again as it is when it is one event', async () => {
    const mover = new ViewMover({ log }, view, new SlowWriter(0));
    await expect(mover.move(null, { events, position })).rejects.toMatchObject({ code: '57014' });
  });
});
