import { setTimeout as wait } from 'node:timers/promises';
import type { Replay } from '#contracts/api/replays.js';
import { driftCount } from '#contracts/replay.js';
import { until } from '#testing/api.js';
import { expect, type Fixture } from './fixture.js';
import { watchMemory } from './processes.js';
import type { Rivals } from './scenarios.js';
import { EVENTS_OF_A_LIFE, storeLives } from './session-lives.js';

/** Of each service, its longest view. */
const VIEWS = { link_sessions: 'link-session', audit_entries: 'audit' } as const;
const LOOK_EVERY_MS = 500;
const PATIENCE_MS = 1_800_000;

export interface Replayed {
  view: string;
  events: number;
  /** From the order to the swapped table, comparison included. */
  rate: number;
  /** What the client alone reads from the same store, just before and just after. */
  raw: number;
  before: number;
  peak: number;
}

export async function measureReplay(fixture: Fixture, { client }: Rivals, events: number): Promise<Replayed[]> {
  await storeLives(fixture, Math.ceil(events / EVENTS_OF_A_LIFE));
  const readAll = () => client.ask<number>('readAll', {});
  const found: Replayed[] = [];
  let raw = await readAll();
  for (const [view, part] of Object.entries(VIEWS)) {
    const memory = watchMemory(fixture.run, [part]);
    const one = await replayed(fixture, view);
    memory.stop();
    const after = await readAll();
    found.push({ ...one, raw: (raw + after) / 2, before: memory.before[part]!, peak: memory.peak[part]! });
    raw = after;
  }
  return found;
}

async function replayed({ api }: Fixture, view: string): Promise<Pick<Replayed, 'view' | 'events' | 'rate'>> {
  const { id } = expect(await api.post('/api/v1/replays', { view }), 201).body as Replay;
  const { views } = await until(
    async () => {
      await wait(LOOK_EVERY_MS);
      return (await api.get(`/api/v1/replays/${id}`)).body as Replay;
    },
    ({ state }) => state !== 'running',
    PATIENCE_MS,
  );
  const { state, drift, events, started_at, finished_at } = views[0]!;
  if (state !== 'done' || driftCount(drift!) > 0) throw new Error(`replay of ${view}: ${JSON.stringify(views)}`);
  return { view, events, rate: (1000 * events) / (Date.parse(finished_at!) - Date.parse(started_at)) };
}
