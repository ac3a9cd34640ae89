import { expect, it } from '@jest/globals';
import { Semaphore } from './semaphore.js';

it('lets so many be at work at once, in the order in which they came, whatever becomes of them', async () => {
  const places = new Semaphore(2);
  const begun: number[] = [];
  const leave: (() => void)[] = [];
  const work = (n: number) => async () => {
    begun.push(n);
    await new Promise<void>((resolve) => leave.push(resolve));
    if (n === 1) throw new Error('failed');
  };
  const all = Promise.allSettled([1, 2, 3, 4].map((n) => places.run(work(n))));
  expect([begun, places.waiting]).toEqual([[1, 2], 2]);
  for (const now of [
    [1, 2, 3],
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ]) {
    leave.shift()!();
    await new Promise(setImmediate);
    expect(begun).toEqual(now);
  }
  leave.shift()!();
  expect((await all).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  await expect(places.run(() => Promise.resolve('at once'))).resolves.toBe('at once');
});
