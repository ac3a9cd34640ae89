import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Stack, startStack } from '#testing/stack.js';
import { requestText } from './connection.js';
import type { Stretch } from './figures.js';
import { type Fixture, newKeys, prepare } from './fixture.js';
import { flood } from './flood.js';
import type { Lags, LagPlan } from './lag.js';
import { memoryByPart } from './processes.js';
import { type Findings, type Flatness, report } from './report.js';
import { measure } from './rounds.js';
import { openScenarios, type Rivals } from './scenarios.js';
import { seedSessions } from './seed.js';
import { startWorker } from './worker.js';

interface Settings {
  rounds: number;
  durationMs: number;
  sessions: number;
  keys: number;
  floodPerSecond: number;
  mintsPerSecond: number;
}

const full: Settings = {
  rounds: 3,
  durationMs: 2_000,
  sessions: 100_000,
  keys: 1_000,
  floodPerSecond: 1_000,
  mintsPerSecond: 200,
};
const quick: Settings = { ...full, rounds: 1, durationMs: 500, sessions: 5_000, keys: 200 };

async function main(): Promise<void> {
  const startedAt = Date.now();
  const { values } = parseArgs({ options: { quick: { type: 'boolean' }, sessions: { type: 'string' } } });
  const settings = { ...(values.quick ? quick : full), ...(values.sessions && { sessions: Number(values.sessions) }) };
  const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-bench-'));
  try {
    const findings = await bench(settings, dataDir);
    const page = report({ ...findings, settings, elapsedMs: Date.now() - startedAt });
    console.log(page);
    if (!values.quick) writeFileSync('docs/benchmarks.md', page);
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
  say('rounds');
  const results = await measure(fixture, rivals.scenarios, settings);
  say('projection lag');
  const lags = await measureLag(fixture, settings);
  say('keys');
  const keys = await measureKeys(fixture, rivals, settings);
  const get = rivals.scenarios.find(({ name }) => name === 'get')!;
  const flooded = await flood(fixture, get, { ...settings, perSecond: settings.floodPerSecond });
  say('stored sessions');
  const flatness = await measureFlatness(fixture, rivals, settings);
  rivals.stop();
  return { results, lags, keys, flood: flooded, flatness };
}

async function measureLag({ run, port, mintText }: Fixture, { mintsPerSecond, durationMs }: Settings): Promise<Lags> {
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
  const lags = await worker.ask<Lags>('lag', plan);
  worker.stop();
  return lags;
}

async function measureKeys(
  { run, key }: Fixture,
  { load }: Rivals,
  { keys, durationMs }: Settings,
): Promise<Findings['keys']> {
  const stretch: Stretch = { concurrency: 16, durationMs };
  const check = (as: string) => requestText('GET', '/api/v1/connections/link/no-id', { 'x-api-key': as });
  const many = load((await newKeys(run, keys)).map(check), 404);
  const one = load([check(key)], 404);
  return [await one(stretch), await many(stretch)];
}

async function measureFlatness(
  fixture: Fixture,
  { load }: Rivals,
  { sessions, durationMs }: Settings,
): Promise<Flatness> {
  const stretch: Stretch = { concurrency: 16, durationMs };
  const get = (path: string) => requestText('GET', path, { 'x-api-key': fixture.key });
  const gets = load(
    fixture.sessionIds.map((id) => get(`/api/v1/connections/link/${id}`)),
    200,
  );
  const list = load([get('/api/v1/connections/link?limit=50')], 200);
  const before = [await gets(stretch), await list(stretch)] as const;
  const seeded = await seedSessions(fixture, sessions);
  return {
    sessions: [fixture.sessionIds.length, sessions],
    seeded,
    get: [before[0], await gets(stretch)],
    list: [before[1], await list(stretch)],
  };
}

async function timed<T>(run: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now();
  const result = await run();
  return { result, ms: performance.now() - startedAt };
}

const say = (what: string): void => console.error(`measuring: ${what}`);

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
