import { type Stack } from '#testing/stack.js';

/** Stops what the set-up of the same process started. */
export default async function tearDown(): Promise<void> {
  await (globalThis as { stackOfThisRun?: Stack }).stackOfThisRun?.stop();
}
