import { setTimeout as delay } from 'node:timers/promises';

const FIRST_PAUSE_MS = 100;

/**
 * Writes down what exists nowhere else: a write that fails is tried again, after longer and longer pauses, as long as another
 * try begins within `triesMs`. Throws what the last one threw.
 */
export async function untilWritten<T>(write: () => Promise<T>, triesMs: number): Promise<T> {
  const until = performance.now() + triesMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    try {
      return await write();
    } catch (error) {
      if (performance.now() + pauseMs > until) throw error;
    }
    await delay(pauseMs);
  }
}
