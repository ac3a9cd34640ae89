import { shareStack, type Stack, startStack } from '#testing/stack.js';

/** Starts the whole system once for all suites of the stack project. */
export default async function setUp(): Promise<void> {
  const stack = await startStack();
  shareStack(stack);
  (globalThis as { stackOfThisRun?: Stack }).stackOfThisRun = stack;
}
