import { describe, expect, it } from '@jest/globals';
import type { PartHealth } from '#contracts/subjects.js';
import { partsOf } from './system-parts.js';

const well: PartHealth = {
  status: 'up',
  views: [{ name: 'keys', lag_ms: 0, parked: 0 }],
  parts: { bus: 'up', database: 'up', eventstore: 'up' },
  versions: { latchkey: '0.1.0', bus: '2.14.3', database: '18.4', eventstore: '23.10.6+latchkey' },
};
const gateway: PartHealth = {
  ...well,
  views: [],
  parts: { bus: 'up' },
  versions: { latchkey: '0.1.0', bus: '2.14.3' },
};
const gone: PartHealth = { status: 'down', views: [], parts: {} };

const shown = (healths: Record<string, PartHealth>) =>
  partsOf(healths).map(({ name, status, version }) => [name, status, version]);

describe('the parts of the System page', () => {
  it('are the processes of Latchkey and the servers under them, each with its own version', () => {
    expect(shown({ gateway, key: well })).toEqual([
      ['gateway', 'up', '0.1.0'],
      ['key', 'up', '0.1.0'],
      ['NATS', 'up', '2.14.3'],
      ['Postgres', 'up', '18.4'],
      ['Event store', 'up', 'Latchkey’s own, like EventStoreDB 23.10.6'],
    ]);
    expect(partsOf({ key: well })[0]!.parts).toEqual({ NATS: 'up', Postgres: 'up', 'Event store': 'up' });
  });

  it('are down as soon as one process cannot reach them, and tell different versions apart', () => {
    const other = {
      ...{ ...well, status: 'down' as const, parts: { bus: 'up', database: 'down', eventstore: 'up' } as const },
      versions: { ...well.versions, eventstore: '24.10.0' },
    };
    expect(shown({ key: well, audit: other }).slice(2)).toEqual([
      ['NATS', 'up', '2.14.3'],
      ['Postgres', 'down', '18.4'],
      ['Event store', 'up', 'Latchkey’s own, like EventStoreDB 23.10.6, 24.10.0'],
    ]);
  });

  it('are not known while nobody is there who could say, or who says a version', () => {
    expect(shown({ gateway, key: gone })).toEqual([
      ['gateway', 'up', '0.1.0'],
      ['key', 'down', null],
      ['NATS', 'up', '2.14.3'],
      ['Postgres', null, null],
      ['Event store', null, null],
    ]);
    const { versions: _, ...older } = well;
    expect(shown({ key: older }).at(-1)).toEqual(['Event store', 'up', null]);
  });
});
