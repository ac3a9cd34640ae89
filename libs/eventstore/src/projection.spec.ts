import { describe, expect, it } from '@jest/globals';
import { project, type Projection } from './projection.js';

interface Row {
  id: string;
  n: number;
}
type Event = { type: 'Made'; id: string } | { type: 'Raised'; by: number } | { type: 'Gone' };

const projection: Projection<Row, Event> = {
  Made: (e) => ({ id: e.id, n: 0 }),
  Raised: (e, row) => ({ n: row.n + e.by }),
  Gone: () => null,
};

describe('a projection', () => {
  it('changes the columns each event names, in order', () => {
    expect(
      project(projection, [
        { type: 'Made', id: 'a' },
        { type: 'Raised', by: 2 },
      ]),
    ).toEqual({ id: 'a', n: 2 });
  });

  it('goes on from a row', () => {
    expect(project(projection, [{ type: 'Raised', by: 2 }], { id: 'a', n: 5 })).toEqual({ id: 'a', n: 7 });
  });

  it('has no row before the first event and after the last', () => {
    expect(project(projection, [])).toBeNull();
    expect(project(projection, [{ type: 'Made', id: 'a' }, { type: 'Gone' }])).toBeNull();
  });

  it('is not moved by events of a later version', () => {
    const unknown = { type: 'Renamed', to: 'b' } as unknown as Event;
    expect(project(projection, [{ type: 'Made', id: 'a' }, unknown])).toEqual({ id: 'a', n: 0 });
  });

  it('does not mistake an inherited property for a rule', () => {
    const odd = { type: 'constructor' } as unknown as Event;
    expect(project(projection, [{ type: 'Made', id: 'a' }, odd])).toEqual({ id: 'a', n: 0 });
  });
});
