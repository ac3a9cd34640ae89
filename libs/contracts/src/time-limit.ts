import { setTimeout as wait } from 'node:timers/promises';

/** What the promise comes to; rejects when that takes longer. The work itself goes on. */
export async function rejectAfter<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when the promise does, or after so long all the same; that alone keeps no process alive. */
export async function settleWithin(promise: Promise<unknown>, ms: number): Promise<void> {
  await Promise.race([promise, wait(ms, undefined, { ref: false })]);
}
