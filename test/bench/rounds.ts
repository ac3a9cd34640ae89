import { type Figures, median, medianFigures } from './figures.js';
import { type Fixture, settled } from './fixture.js';
import { cpuByPart } from './processes.js';
import type { Scenario } from './scenarios.js';

export const concurrencies = [1, 16, 64];

export interface Measured extends Figures {
  /** CPU microseconds per request, by part; what a write makes the views do afterwards included. */
  cpu: Record<string, number>;
  /** How long the views needed after the last answer, in ms. */
  settledMs: number;
}

/** By scenario and concurrency. */
export type Results = Record<string, Record<number, Measured>>;

/** Each round runs everything once, so that whatever else slows the machine down hits all of it. */
export async function measure(
  fixture: Fixture,
  scenarios: Scenario[],
  { rounds, durationMs }: { rounds: number; durationMs: number },
): Promise<Results> {
  const all = new Map<string, Measured[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const concurrency of round === 0 ? [16] : concurrencies) {
      for (const scenario of scenarios) {
        const one = await stretch(fixture, scenario, { concurrency, durationMs });
        // The round before the first warms everything up.
        if (round > 0)
          all.set(`${scenario.name} ${concurrency}`, [...(all.get(`${scenario.name} ${concurrency}`) ?? []), one]);
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
