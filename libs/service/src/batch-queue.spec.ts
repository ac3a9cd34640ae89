import { describe, expect, it } from '@jest/globals';
import { BatchQueue, takeUpTo, type Waiting } from './batch-queue.js';

type Item = { n: number };

function gathering(most = 10) {
  const batches: string[] = [];
  const open: (() => void)[] = [];
  const queue = new BatchQueue<Item, number>(takeUpTo(most), async (name: string, batch: Waiting<Item, number>[]) => {
    batches.push(`${name} ${batch.map(({ n }) => n).join()}`);
    await new Promise<void>((resolve) => open.push(resolve));
    if (batch.some(({ n }) => n < 0)) throw new Error('refused');
    batch.forEach(({ n, answer }) => answer(10 * n));
  });
  const letGo = async () => {
    open.shift()!();
    await new Promise(setImmediate);
  };
  return { batches, queue, letGo };
}

describe('items of one name', () => {
  it('that wait while some are under way go together next, and each gets its answer', async () => {
    const { batches, queue, letGo } = gathering();
    const answers = Promise.all([1, 2, 3].map((n) => queue.add('a', { n })));
    await letGo();
    await letGo();
    expect(await answers).toEqual([10, 20, 30]);
    expect(batches).toEqual(['a 1', 'a 2,3']);
  });

  it('do not wait for those of another', () => {
    const { batches, queue } = gathering();
    void queue.add('a', { n: 1 });
    void queue.add('b', { n: 2 });
    expect(batches).toEqual(['a 1', 'b 2']);
  });

  it('are refused with what their batch throws, and the next ones are not', async () => {
    const { queue, letGo } = gathering(1);
    const bad = expect(queue.add('a', { n: -1 })).rejects.toThrow('refused');
    const good = queue.add('a', { n: 1 });
    await letGo();
    await bad;
    await letGo();
    expect(await good).toBe(10);
  });
});

describe('the first of a queue', () => {
  const first = takeUpTo<number>(3, 10, (size) => size);

  it.each([
    ['no more than so many', [1, 1, 1, 1], [1, 1, 1]],
    ['no more than fit', [6, 4, 1], [6, 4]],
    ['one that does not fit, by itself', [11, 1], [11]],
    ['nothing of nothing', [], []],
  ])('are %s', (_, queue, taken) => {
    const rest = queue.slice(taken.length);
    expect([first(queue), queue]).toEqual([taken, rest]);
  });
});
