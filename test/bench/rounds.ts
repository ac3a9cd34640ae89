import { type Figures, median, medianFigures } from './figures.js';
import { type Fixture, settled } from './fixture.js';
import { cpuByPart } from './processes.js';
import type { Scenario } from './rows.js';

export const concurrencies = [1, 16, 64];
/** On a slow machine, rather colder than late. */
const MOST_WARM_UP_MS = 20_000;

export interface Measured extends Figures {
  /** CPU microseconds per request, by part; what a write makes the views do afterwards included. */
  cpu: Record<string, number>;
  /** How long the views needed after the last answer, in ms. */
  settledMs: number;
}

/** By scenario and concurrency. */
export type Results = Record<string, Record<number, Measured>>;

interface Plan {
  rounds: number;
  durationMs: number;
  warmUpRequests: number;
}

/** Each round runs everything once, so that whatever else slows the machine down hits all of it. */
export async function measure(fixture: Fixture, scenarios: Scenario[], plan: Plan): Promise<Results> {
  const all = new Map<string, Measured[]>();
  for (const scenario of scenarios) await warmUp(fixture, scenario, plan);
  for (let round = 0; round < plan.rounds; round++) {
    for (const concurrency of concurrencies) {
      for (const scenario of scenarios) {
        const one = await stretch(fixture, scenario, { concurrency, durationMs: plan.durationMs });
        const name = `${scenario.name} ${concurrency}`;
        all.set(name, [...(all.get(name) ?? []), one]);
      }
    }
  }
  return Object.fromEntries(
    scenarios.map(({ name }) => [
      name,
      Object.fromEntries(concurrencies.map((c) => [c, medians(all.get(`${name} ${c}`)!)])),
    ]),
  );
}

/**
 * So many requests of each kind before anything counts, of ours and of the limits alike: a process that has answered a
 * few hundred still runs most of its code uncompiled, for three times the CPU, which says nothing of a server.
 */
async function warmUp(fixture: Fixture, scenario: Scenario, { durationMs, warmUpRequests }: Plan): Promise<void> {
  const until = performance.now() + MOST_WARM_UP_MS;
  for (let sent = 0; sent < warmUpRequests && performance.now() < until;) {
    const startedAt = performance.now();
    const { rate } = await scenario.run({ concurrency: 64, durationMs });
    sent += (rate * (performance.now() - startedAt)) / 1000;
  }
  if (scenario.writes) await settled(fixture);
}

async function stretch(
  fixture: Fixture,
  scenario: Scenario,
  load: { concurrency: number; durationMs: number },
): Promise<Measured> {
  const before = cpuByPart(fixture.run);
  const startedAt = performance.now();
  const figures = await scenario.run(load);
  const count = (figures.rate * (performance.now() - startedAt)) / 1000;
  const settledMs = scenario.writes ? await settled(fixture) : 0;
  const after = cpuByPart(fixture.run);
  const cpu = Object.entries(after).map(([part, ms]) => [part, (1000 * (ms - before[part]!)) / count] as const);
  return { ...figures, cpu: Object.fromEntries(cpu), settledMs };
}

function medians(all: Measured[]): Measured {
  const parts = Object.keys(all[0]!.cpu);
  return {
    ...medianFigures(all),
    cpu: Object.fromEntries(parts.map((part) => [part, median(all.map(({ cpu }) => cpu[part]!))])),
    settledMs: median(all.map(({ settledMs }) => settledMs)),
  };
}
