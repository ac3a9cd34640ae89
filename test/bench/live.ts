import { connectEventStore } from '#eventstore/client.js';
import { readPages } from '#eventstore/read-pages.js';
import { followEntries } from '#testing/live-entries.js';
import { until } from '#testing/api.js';
import { type Figures, figuresOf } from './figures.js';
import { paced, type PacedLoad, warm } from './http-load.js';
import { serveJobs } from './worker.js';

export interface LivePlan {
  load: PacedLoad;
  url: string;
  key: string;
  eventstoreUrl: string;
}

/** From an event's append, as the event store dates it, to its entry at a client of the live timeline. */
async function live({ load, url, key, eventstoreUrl }: LivePlan): Promise<Figures> {
  await warm(load);
  const heard = new Map<string, number>();
  const stream = followEntries(`${url}/api/v1/audit/stream?type=SessionMinted`, { 'x-api-key': key });
  stream.onEntry = ({ position }) => void heard.set(position, performance.timeOrigin + performance.now());
  await until(() => Promise.resolve(stream.lastId), Boolean);
  let minted = 0;
  const startedAt = performance.now();
  await paced(load, () => minted++);
  await until(
    () => Promise.resolve(heard.size),
    (entries) => entries >= minted,
    60_000,
  );
  const elapsedMs = performance.now() - startedAt;
  stream.close();
  return figuresOf(await lagsOf(heard, eventstoreUrl), elapsedMs);
}

async function lagsOf(heard: Map<string, number>, eventstoreUrl: string): Promise<number[]> {
  const client = connectEventStore(eventstoreUrl);
  // A read begins at an event; the first one is where it begins.
  const [first, ...positions] = [...heard.keys()].map(BigInt);
  const placeOf = (commit: bigint) => ({ commit, prepare: commit });
  const stretch = {
    prefixes: ['link_session-'],
    after: placeOf(first!),
    upTo: placeOf(positions.at(-1)!),
  };
  const lags: number[] = [];
  for await (const { events } of readPages(client, stretch)) {
    for (const { commit, created } of events) {
      const at = heard.get(String(commit));
      if (at !== undefined) lags.push(at - created.getTime());
    }
  }
  await client.dispose();
  if (lags.length !== positions.length) throw new Error(`${positions.length} entries, but ${lags.length} events`);
  return lags;
}

serveJobs({ live });
