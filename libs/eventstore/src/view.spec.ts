import { describe, expect, it } from '@jest/globals';
import { type Projection, unchanged } from './projection.js';
import type { Recorded } from './recorded.js';
import { rowPerStream, type Rows } from './view.js';

interface Row {
  id: string;
  n: number;
}
type Event = { type: 'Made'; n: number } | { type: 'Raised'; by: number } | { type: 'Seen' } | { type: 'Gone' };

const projection: Projection<Row, Event> = {
  Made: ({ n }) => ({ n }),
  Raised: ({ by }, row) => ({ n: row.n + by }),
  Seen: unchanged,
  Gone: () => null,
};
const view = rowPerStream<Row, Event>({ name: 'counts', kind: 'count', entity: class {}, projection });

const happened = (id: string, revision: bigint, event: Event) =>
  ({ stream: `count-${id}`, revision, event }) as Recorded;

function rowsOf(...stored: Row[]) {
  const asked: string[] = [];
  const query = (_: string, [ids]: unknown[]) => {
    asked.push(...(ids as string[]));
    return Promise.resolve(stored.filter(({ id }) => (ids as string[]).includes(id)));
  };
  return { asked, rows: { table: '"counts"', query } as unknown as Rows };
}

describe('a view with a row for each stream', () => {
  it('adds, changes and removes whole rows', async () => {
    const { rows } = rowsOf({ id: 'b', n: 1 }, { id: 'c', n: 1 });
    const batch = [
      happened('a', 0n, { type: 'Made', n: 7 }),
      happened('b', 3n, { type: 'Raised', by: 2 }),
      happened('a', 1n, { type: 'Raised', by: 1 }),
      happened('c', 2n, { type: 'Gone' }),
    ];
    expect(await view.changes(batch, rows)).toEqual({
      added: [{ id: 'a', n: 8 }],
      changed: [{ id: 'b', n: 3 }],
      removed: ['c'],
      parked: [],
    });
  });

  it('reads no row for what changes none', async () => {
    const { rows, asked } = rowsOf({ id: 'b', n: 1 }, { id: 'c', n: 1 });
    const batch = [happened('b', 1n, { type: 'Seen' }), happened('c', 1n, { type: 'Seen' })];
    const nothing = { added: [], changed: [], removed: [], parked: [] };
    expect(await view.changes(batch, rows)).toEqual(nothing);
    expect(asked).toEqual([]);
    expect(await view.changes([...batch, happened('b', 2n, { type: 'Raised', by: 0 })], rows)).toMatchObject({
      changed: [{ id: 'b', n: 1 }],
    });
    expect(asked).toEqual(['b']);
  });

  it('parks a type of its own streams that only a newer version knows, and no other', async () => {
    const { rows, asked } = rowsOf({ id: 'b', n: 1 });
    const later = { type: 'OfALaterVersion' } as unknown as Event;
    const elsewhere = { ...happened('b', 1n, later), stream: 'other-b' };
    const batch = [elsewhere, happened('b', 1n, later), happened('b', 2n, { type: 'Raised', by: 2 })];
    const { changed, parked } = await view.changes(batch, rows);
    expect([changed, parked.map(({ event }) => event)]).toEqual([[{ id: 'b', n: 3 }], [batch[1]]]);
    expect(asked).toEqual(['b']);
  });
});
