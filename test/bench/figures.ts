/** What one stretch of load has shown. Latencies in milliseconds. */
export interface Figures {
  rate: number;
  p50: number;
  p99: number;
}

export interface Stretch {
  concurrency: number;
  durationMs: number;
}

/**
 * Runs `once` in as many loops as asked for, until the time is over, and measures each turn. `once` gets the number of
 * the loop and of the turn.
 */
export async function closedLoop(
  { concurrency, durationMs }: Stretch,
  once: (loop: number, turn: number) => Promise<void>,
): Promise<Figures> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const until = startedAt + durationMs;
  let turn = 0;
  const loop = async (number: number) => {
    for (let before = performance.now(); before < until;) {
      await once(number, turn++);
      const now = performance.now();
      latencies.push(now - before);
      before = now;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, number) => loop(number)));
  return figuresOf(latencies, performance.now() - startedAt);
}

export function figuresOf(latencies: number[], elapsedMs: number): Figures {
  const sorted = Float64Array.from(latencies).sort();
  return { rate: (1000 * sorted.length) / elapsedMs, p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

export const quantile = (sorted: Float64Array, q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;

export const median = (values: number[]): number => quantile(Float64Array.from(values).sort(), 0.5);

/** Each figure's median by itself. */
export const medianFigures = (all: Figures[]): Figures => ({
  rate: median(all.map((one) => one.rate)),
  p50: median(all.map((one) => one.p50)),
  p99: median(all.map((one) => one.p99)),
});
