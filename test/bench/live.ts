import { followEntries } from '#testing/live-entries.js';
import { until } from '#testing/api.js';
import { type Figures, figuresOf } from './figures.js';
import { paced, type PacedLoad } from './http-load.js';
import { serveJobs } from './worker.js';

export interface LivePlan {
  load: PacedLoad;
  url: string;
  key: string;
}

/** From the time an event tells, which is a little before its append, to its entry at a client of the live timeline. */
async function live({ load, url, key }: LivePlan): Promise<Figures> {
  const lags: number[] = [];
  const stream = followEntries(`${url}/api/v1/audit/stream?type=SessionMinted`, { 'x-api-key': key });
  stream.onEntry = ({ at }) => void lags.push(performance.timeOrigin + performance.now() - Date.parse(at));
  await until(() => Promise.resolve(stream.lastId), Boolean);
  let minted = 0;
  const startedAt = performance.now();
  await paced(load, () => minted++);
  await until(
    () => Promise.resolve(lags.length),
    (heard) => heard >= minted,
    60_000,
  );
  stream.close();
  return figuresOf(lags, performance.now() - startedAt);
}

serveJobs({ live });
