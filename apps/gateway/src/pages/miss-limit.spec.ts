import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { DomainError } from '#contracts/errors.js';
import { MissLimit } from './miss-limit.js';

afterEach(() => void jest.useRealTimers());

describe('the limit on links that do not exist', () => {
  it('is over after so many misses in a minute, for that address alone', () => {
    const limit = new MissLimit(2);
    limit.add('192.0.2.1', 0);
    expect(limit.isOver('192.0.2.1', 0)).toBe(false);
    limit.add('192.0.2.1', 10);
    expect(limit.isOver('192.0.2.1', 10)).toBe(true);
    expect(limit.isOver('192.0.2.2', 10)).toBe(false);
    expect(limit.isOver('192.0.2.1', 60_000)).toBe(false);
  });

  it('says when the minute is over', () => {
    const limit = new MissLimit(1);
    limit.add('192.0.2.1', 0);
    const refusal = (now: number) => {
      try {
        limit.assertNotOver('192.0.2.1', now);
        return null;
      } catch (error) {
        return (error as DomainError).details;
      }
    };
    expect([refusal(0), refusal(18_500), refusal(60_000)]).toEqual([{ retry_after: 60 }, { retry_after: 42 }, null]);
  });

  it('ends with its minute also where the clock is set back meanwhile', () => {
    jest.useFakeTimers();
    const limit = new MissLimit(1);
    limit.add('192.0.2.1');
    jest.setSystemTime(Date.now() - 3_600_000);
    expect(limit.isOver('192.0.2.1')).toBe(true);
    jest.advanceTimersByTime(60_000);
    expect(limit.isOver('192.0.2.1')).toBe(false);
  });

  it('counts a /64 of IPv6 as one, however it is written', () => {
    const limit = new MissLimit(2);
    limit.add('2001:db8::1', 0);
    limit.add('2001:db8:0:0:ffff::1', 0);
    expect(limit.isOver('2001:db8:0:0:1:2:3:4', 0)).toBe(true);
    expect(limit.isOver('2001:db8:0:1::1', 0)).toBe(false);
    expect(limit.isOver('::ffff:192.0.2.1', 0)).toBe(false);
  });

  it('forgets the oldest address when too many come', () => {
    const limit = new MissLimit(1);
    limit.add('first', 0);
    for (let n = 0; n < 20_000; n += 1) limit.add(`address ${n}`, 0);
    expect(limit.isOver('first', 0)).toBe(false);
    expect(limit.isOver('address 19999', 0)).toBe(true);
  });
});
