import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Stack, startStack } from '#testing/stack.js';
import { type Fixture, prepare, settled } from './fixture.js';
import { measureFlatness } from './flatness.js';
import { medianFigures } from './figures.js';
import { flood } from './flood.js';
import { measureKeys } from './key-rows.js';
import type { Lags, LagPlan } from './lag.js';
import { measurePage } from './page-rows.js';
import { memoryByPart } from './processes.js';
import { type Findings, report } from './report.js';
import { measure } from './rounds.js';
import { openScenarios } from './scenarios.js';
import { type LongSettings, measureTimelines, type Part } from './timeline-rows.js';
import { startWorker } from './worker.js';

interface Settings extends LongSettings {
  warmUpRequests: number;
  sessions: number;
  keys: number;
  floodPerSecond: number;
  /** Names of scenarios, and of what `part` measures below and in timeline-rows.ts; undefined is all of it. */
  only?: string[] | undefined;
}

const full: Settings = {
  rounds: 3,
  durationMs: 2_000,
  warmUpRequests: 4_000,
  sessions: 100_000,
  keys: 1_000,
  floodPerSecond: 1_000,
  mintsPerSecond: 200,
  entries: 1_000_000,
  exported: 200_000,
  events: 100_000,
};
const quick: Settings = {
  ...full,
  ...{ rounds: 1, durationMs: 500, warmUpRequests: 500 },
  ...{ sessions: 5_000, keys: 200, entries: 50_000, exported: 10_000, events: 10_000 },
};
const sizes = ['sessions', 'entries', 'exported', 'events'] as const;

type Size = (typeof sizes)[number];

async function main(): Promise<void> {
  const startedAt = Date.now();
  const { values } = parseArgs({
    options: {
      ...(Object.fromEntries(sizes.map((name) => [name, { type: 'string' }])) as Record<Size, { type: 'string' }>),
      ...{ quick: { type: 'boolean' }, only: { type: 'string' } },
    },
  });
  const only = values.only?.split(',');
  const given = sizes.filter((name) => values[name] !== undefined).map((name) => [name, Number(values[name])] as const);
  const settings: Settings = { ...(values.quick ? quick : full), ...Object.fromEntries(given), only };
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  try {
    const findings = await bench(settings, dataDir);
    const page = report({ ...findings, settings, elapsedMs: Date.now() - startedAt });
    console.log(page);
    if (!values.quick && !only) writeFileSync('docs/benchmarks.md', page);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function bench(settings: Settings, dataDir: string): Promise<Omit<Findings, 'settings' | 'elapsedMs'>> {
  const first = await timed(() => startStack({ servers: 'local', dataDir }));
  await first.result.stop();
  const again = await timed(() => startStack({ servers: 'local', dataDir }));
  const stack = again.result;
  try {
    await wait(1_000);
    const idle = memoryByPart(stack.run());
    const findings = await underLoad(settings, stack);
    return {
      ...findings,
      memory: { idle, loaded: memoryByPart(stack.run()) },
      ready: { first: first.ms, again: again.ms },
    };
  } finally {
    await stack.stop();
  }
}

async function underLoad(settings: Settings, stack: Stack) {
  const fixture = await prepare(stack);
  const rivals = await openScenarios(fixture);
  const wanted = (name: string) => settings.only?.includes(name) ?? true;
  const part: Part = async (name, run) => {
    if (!wanted(name)) return undefined;
    console.error(`measuring: ${name}`);
    await settled(fixture);
    return run();
  };
  console.error('measuring: rates');
  const scenarios = rivals.scenarios.filter(({ name }) => wanted(name));
  const findings = {
    results: await measure(fixture, scenarios, settings),
    page: await part('page', () => measurePage(fixture)),
    lags: await part('lag', () => measureLag(fixture, settings)),
    keys: await part('keys', () => measureKeys(fixture, rivals, settings)),
    flood: await part('flood', () => flood(fixture, rivals, { ...settings, perSecond: settings.floodPerSecond })),
    ...(await measureTimelines(fixture, rivals, { settings, part })),
    // Last, because rows that are copied into a view are no rows of its replay.
    flatness: await part('stored', () => measureFlatness(fixture, rivals, settings)),
  };
  rivals.stop();
  return { ...findings, titles: Object.fromEntries(scenarios.map(({ name, title }) => [name, title])) };
}

async function measureLag({ run, port, mintText }: Fixture, settings: Settings): Promise<Lags> {
  const { rounds, mintsPerSecond, durationMs } = settings;
  const worker = startWorker('lag.js');
  const plan: LagPlan = {
    load: {
      port,
      requests: [mintText],
      status: 201,
      perSecond: mintsPerSecond,
      durationMs: 5 * durationMs,
      concurrency: 32,
    },
    sessionsUrl: run.databases['link_session']!,
    auditUrl: run.databases['audit']!,
  };
  const all: Lags[] = [];
  while (all.length < rounds) all.push(await worker.ask<Lags>('lag', plan));
  worker.stop();
  const medianOf = (what: keyof Lags) => medianFigures(all.map((lags) => lags[what]));
  return { mint: medianOf('mint'), sessions: medianOf('sessions'), audit: medianOf('audit') };
}

async function timed<T>(run: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now();
  const result = await run();
  return { result, ms: performance.now() - startedAt };
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
