import { type Exported, measureExport } from './export.js';
import { type Figures, medianFigures } from './figures.js';
import type { Fixture } from './fixture.js';
import type { LivePlan } from './live.js';
import { measureReplay, type Replayed } from './replay.js';
import type { Rivals } from './scenarios.js';
import { longTimeline, type LongTimeline, measureTimeline } from './timeline.js';
import { startWorker } from './worker.js';

export interface LongSettings {
  rounds: number;
  durationMs: number;
  mintsPerSecond: number;
  /** Of the timeline that pages are read of. */
  entries: number;
  /** Of these, so many are exported. */
  exported: number;
  /** Stored for a replay to read. */
  events: number;
}

/** Runs what is asked for and tells of it; undefined otherwise. */
export type Part = <T>(name: string, run: () => Promise<T>) => Promise<T | undefined>;

/** Undefined is not asked for. */
export interface TimelineFindings {
  live: Figures | undefined;
  replays: Replayed[] | undefined;
  timeline: { entries: number; seededMs: number; pages: Record<string, Figures> } | undefined;
  exports: Record<'ndjson' | 'csv', Exported> | undefined;
}

/** The long timeline comes last: its entries are in no event, so a replay would have to name each as too much. */
export async function measureTimelines(
  fixture: Fixture,
  rivals: Rivals,
  { settings, part }: { settings: LongSettings; part: Part },
): Promise<TimelineFindings> {
  const { entries, exported: most, events } = settings;
  let made: Promise<LongTimeline> | undefined;
  const long = () => (made ??= longTimeline(fixture, entries));
  return {
    live: await part('live', () => measureLive(fixture, settings)),
    replays: await part('replay', () => measureReplay(fixture, rivals, events)),
    timeline: await part('timeline', async () => {
      const pages = await measureTimeline(await long(), rivals, settings);
      return { entries, seededMs: (await long()).seededMs, pages };
    }),
    exports: await part('export', async () => ({
      ndjson: await measureExport(fixture, await long(), { format: 'ndjson', most }),
      csv: await measureExport(fixture, await long(), { format: 'csv', most }),
    })),
  };
}

async function measureLive(
  { run, port, key, mintText }: Fixture,
  { rounds, mintsPerSecond, durationMs }: LongSettings,
) {
  const worker = startWorker('live.js');
  const load = { port, requests: [mintText], status: 201, perSecond: mintsPerSecond, concurrency: 32 };
  const plan: LivePlan = {
    load: { ...load, durationMs: 5 * durationMs },
    url: run.url,
    key,
    eventstoreUrl: run.eventstore.url,
  };
  const all: Figures[] = [];
  while (all.length < rounds) all.push(await worker.ask<Figures>('live', plan));
  worker.stop();
  return medianFigures(all);
}
