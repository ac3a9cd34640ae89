import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { logger } from './logger.js';
import { Sweep } from './sweep.js';

let rounds: { stopping: AbortSignal; ends: () => void; fails: (error: Error) => void }[];
let sweep: Sweep;

beforeEach(() => {
  logger.level = 'silent';
  jest.useFakeTimers();
  rounds = [];
  const work = (stopping: AbortSignal) =>
    new Promise<void>((ends, fails) => void rounds.push({ stopping, ends, fails }));
  sweep = new Sweep({ everyMs: 1_000, work, failure: 'it comes again' });
  sweep.start();
});
afterEach(() => void jest.useRealTimers());

/** Whether it is over after all that can happen at once. */
async function isOver(promise: Promise<void>): Promise<boolean> {
  let over = false;
  void promise.then(() => (over = true));
  await jest.advanceTimersByTimeAsync(0);
  return over;
}

it('stops at once between two rounds, and begins none any more', async () => {
  expect(await isOver(sweep.stop())).toBe(true);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(rounds).toEqual([]);
});

it.each<[string, (round: (typeof rounds)[number]) => void]>([
  ['ends', ({ ends }) => ends()],
  ['fails', ({ fails }) => fails(new Error('the database is away'))],
])('tells the round under way, is stopped once that %s, and begins no other', async (_how, ends) => {
  await jest.advanceTimersByTimeAsync(1_000);
  const stopped = sweep.stop();
  expect([rounds[0]!.stopping.aborted, await isOver(stopped)]).toEqual([true, false]);
  ends(rounds[0]!);
  expect(await isOver(stopped)).toBe(true);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(rounds).toHaveLength(1);
});
