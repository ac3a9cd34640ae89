import { setTimeout as wait } from 'node:timers/promises';
import { isPassing } from './errors.js';

/** So often the command line looks how far a long work is: half of what an API key may ask by default. */
export const LOOK_EVERY_MS = 1_000;
const PATIENCE = 30;

/** What passes by itself ends nothing. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || attempt === PATIENCE) throw error;
      await wait(LOOK_EVERY_MS);
    }
  }
}
