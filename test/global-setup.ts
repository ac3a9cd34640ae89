import { shareStack, type Stack, startStack } from '#testing/stack.js';

/**
 * Starts the whole system once for all suites of the stack project. While working on one spec, LATCHKEY_TEST_PARTS
 * narrows it to a comma list of parts, or to `none`.
 */
export default async function setUp(): Promise<void> {
  const parts = process.env.LATCHKEY_TEST_PARTS;
  if (parts === 'none') return;
  const stack = await startStack({ parts: parts?.split(',') });
  shareStack(stack);
  (globalThis as { stackOfThisRun?: Stack }).stackOfThisRun = stack;
}
