import DataLoader from 'dataloader';
import { setTimeout as wait } from 'node:timers/promises';
import type { VerifiedKey } from '#contracts/key.js';
import type { Bus } from '#service/bus.js';

/** The request itself comes after it, and both together have about five seconds. */
const VERIFY_MS = 900;
const PACE_MS = 10;
const MOST_TOGETHER = 500;

/**
 * Asks the key service about keys, by hash. A question goes out at once; what comes within the next milliseconds goes
 * together after them, so that a flood of wrong keys is a few questions.
 */
export const keyInquiry = (bus: Bus): DataLoader<string, VerifiedKey | null> =>
  new DataLoader((key_hashes) => bus.ask('key.verify', { key_hashes: [...key_hashes] }, VERIFY_MS), {
    cache: false,
    maxBatchSize: MOST_TOGETHER,
    batchScheduleFn: paced(PACE_MS),
  });

/** Calls back at once, or as long after the last time as it has to be. */
function paced(everyMs: number) {
  let next = 0;
  return (send: () => void): void => {
    const now = performance.now();
    const early = next - now;
    next = Math.max(next, now) + everyMs;
    void (early > 0 ? wait(early) : Promise.resolve()).then(send);
  };
}
