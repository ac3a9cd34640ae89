import { cursorAt, listName } from '#service/cursor.js';
import { requestText } from './connection.js';
import type { Figures, Stretch } from './figures.js';
import type { Fixture } from './fixture.js';
import type { Rivals } from './scenarios.js';
import { type Seeded, seedSessions } from './seed.js';

/** Reads with few and with many sessions in the store: each row's figures in the order of `sessions`. */
export interface Flatness {
  sessions: number[];
  seeded: Seeded;
  rows: { title: string; figures: Figures[] }[];
}

const CONCURRENCY = 16;

export async function measureFlatness(
  fixture: Fixture,
  { load }: Rivals,
  { sessions, durationMs }: { sessions: number; durationMs: number },
): Promise<Flatness> {
  const stretch: Stretch = { concurrency: CONCURRENCY, durationMs };
  const rows = readsOf(fixture).map(({ title, requests }) => ({ title, run: load(requests, 200) }));
  const all = async () => {
    const figures: Figures[] = [];
    for (const { run } of rows) figures.push(await run(stretch));
    return figures;
  };
  const before = await all();
  const seeded = await seedSessions(fixture, sessions);
  const after = await all();
  return {
    sessions: [fixture.sessionIds.length, sessions],
    seeded,
    rows: rows.map(({ title }, i) => ({ title, figures: [before[i]!, after[i]!] })),
  };
}

function readsOf({ key, sessionIds, sample, mintBody }: Fixture) {
  const path = '/api/v1/connections/link';
  const get = (where: string) => requestText('GET', path + where, { 'x-api-key': key });
  const { user_id } = mintBody;
  // What is stored later has the time of the sample, so this cursor stands in the middle of it.
  const { project_id, environment, at: created_at } = sample.event;
  const list = listName('link_sessions', { project_id, environment });
  const middle = cursorAt(list, { created_at, id: '80000000-0000-5000-8000-000000000000' });
  return [
    { title: 'GET session', requests: sessionIds.map((id) => get(`/${id}`)) },
    { title: 'list, first page of 50', requests: [get('?limit=50')] },
    { title: 'list, 50 from the middle', requests: [get(`?limit=50&cursor=${middle}`)] },
    { title: 'list, 50 of one user', requests: [get(`?limit=50&user_id=${user_id}`)] },
    { title: 'list, failed ones: there are none', requests: [get('?limit=50&status=failed')] },
  ];
}
