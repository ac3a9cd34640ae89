import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TokenBuckets } from './rate-limit.js';

const buckets = (most = 100) => new TokenBuckets({ perMinute: 120, burst: 3, most });

describe('a token bucket', () => {
  it('grants a burst, then says how long to wait', () => {
    const limits = buckets();
    const levels = [1, 2, 3, 4].map(() => limits.take('a', 0));
    expect(levels.map(({ granted, remaining }) => [granted, remaining])).toEqual([
      [true, 2],
      [true, 1],
      [true, 0],
      [false, 0],
    ]);
    expect(levels[3]).toMatchObject({ nextInSeconds: 1, fullInSeconds: 2 });
  });

  it('fills again at its rate, up to the burst', () => {
    const limits = buckets();
    for (let n = 0; n < 3; n++) limits.take('a', 0);
    expect(limits.take('a', 499).granted).toBe(false);
    expect(limits.take('a', 500).granted).toBe(true);
    expect(limits.take('a', 501).granted).toBe(false);
    expect(limits.take('a', 3_600_000)).toEqual({ granted: true, remaining: 2, nextInSeconds: 0, fullInSeconds: 1 });
  });

  it('is another one for each name', () => {
    const limits = buckets();
    for (let n = 0; n < 4; n++) limits.take('a', 0);
    expect(limits.take('b', 0).granted).toBe(true);
  });

  it('takes back what was not needed, and holds no more than the burst', () => {
    const limits = buckets();
    limits.giveBack('a');
    for (let n = 0; n < 3; n++) limits.take('a', 0);
    limits.giveBack('a');
    expect([limits.take('a', 0).granted, limits.take('a', 0).granted]).toEqual([true, false]);
    for (let n = 0; n < 9; n++) limits.giveBack('a');
    expect(limits.take('a', 0).remaining).toBe(2);
  });

  it('is kept for the names that were used last, and for no more', () => {
    const limits = buckets(2);
    for (const name of ['a', 'b', 'a', 'a', 'c']) limits.take(name, 0);
    expect(limits.take('a', 0).granted).toBe(false);
    expect(limits.take('b', 0).remaining).toBe(2);
  });

  it('never grants more than burst and rate allow, whenever requests come', () =>
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 200 }), (pauses) => {
        const limits = buckets();
        let now = 0;
        let granted = 0;
        for (const pause of pauses) {
          now += pause;
          if (limits.take('a', now).granted) granted++;
        }
        return granted <= 3 + now / 500 + 1e-6;
      }),
    ));
});
