import { describe, expect, it } from '@jest/globals';
import { InTurn, upTo, type Waiting } from './in-turn.js';

type Wish = { n: number };

function gathering(most = 10) {
  const batches: string[] = [];
  const open: (() => void)[] = [];
  const inTurn = new InTurn<Wish, number>(upTo(most), async (name: string, batch: Waiting<Wish, number>[]) => {
    batches.push(`${name} ${batch.map(({ n }) => n).join()}`);
    await new Promise<void>((resolve) => open.push(resolve));
    if (batch.some(({ n }) => n < 0)) throw new Error('refused');
    batch.forEach(({ n, answer }) => answer(10 * n));
  });
  const letGo = async () => {
    open.shift()!();
    await new Promise(setImmediate);
  };
  return { batches, inTurn, letGo };
}

describe('wishes of one name', () => {
  it('that wait while some are under way go together next, and each gets its answer', async () => {
    const { batches, inTurn, letGo } = gathering();
    const answers = Promise.all([1, 2, 3].map((n) => inTurn.add('a', { n })));
    await letGo();
    await letGo();
    expect(await answers).toEqual([10, 20, 30]);
    expect(batches).toEqual(['a 1', 'a 2,3']);
  });

  it('do not wait for those of another', () => {
    const { batches, inTurn } = gathering();
    void inTurn.add('a', { n: 1 });
    void inTurn.add('b', { n: 2 });
    expect(batches).toEqual(['a 1', 'b 2']);
  });

  it('are refused with what their batch throws, and the next ones are not', async () => {
    const { inTurn, letGo } = gathering(1);
    const bad = expect(inTurn.add('a', { n: -1 })).rejects.toThrow('refused');
    const good = inTurn.add('a', { n: 1 });
    await letGo();
    await bad;
    await letGo();
    expect(await good).toBe(10);
  });
});

describe('the first of a queue', () => {
  const first = upTo<number>(3, 10, (size) => size);

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
