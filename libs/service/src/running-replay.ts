import type { Context } from '#contracts/envelope.js';
import type { ReplayProgress } from '#eventstore/replay.js';
import type { View } from '#eventstore/view.js';

/** A replay of this process. */
export interface RunningReplay {
  view: View;
  verify: boolean;
  /** All that wait for it: whoever comes before it has begun needs no other one. */
  wishes: { id: string; context: Context }[];
  hasBegun: boolean;
  /** By the clock that nobody sets. */
  startedAt: number;
  progress: ReplayProgress;
  eventsPerSecond: number;
}

/** Where rows are written: the pool, or the session of a replay. */
export interface Tables {
  query(text: string, values: unknown[]): Promise<unknown>;
}

export const idsOf = ({ wishes }: RunningReplay): string[] => wishes.map(({ id }) => id);

/** Says of all of them at once how far they are, and that they are there. */
export async function saveProgress(tables: Tables, all: Iterable<RunningReplay>): Promise<void> {
  const rows = [...all].flatMap((running) => {
    const { events, phase } = running.progress;
    const row = { view: running.view.name, phase, events, rate: running.eventsPerSecond, left: secondsLeft(running) };
    return idsOf(running).map((id) => ({ id, ...row }));
  });
  if (rows.length === 0) return;
  await tables.query(
    `update view_replays set phase = p.phase, events = p.events, events_per_second = p.rate, seconds_left = p."left",
       seen_at = now()
     from json_to_recordset($1) as p (id uuid, "view" text, phase text, events int, rate int, "left" int)
     where view_replays.id = p.id and view_replays."view" = p."view" and state = 'running'`,
    [JSON.stringify(rows)],
  );
}

function secondsLeft({ progress: { phase, done }, startedAt }: RunningReplay): number | null {
  const seconds = (performance.now() - startedAt) / 1_000;
  return phase === 'building' && done > 0.01 ? Math.ceil((seconds * (1 - done)) / done) : null;
}
