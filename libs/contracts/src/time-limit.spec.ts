import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { rejectAfter, settleWithin } from './time-limit.js';

const never = new Promise<never>(() => undefined);
const failed = () => Promise.reject(new Error('failed'));

describe('a promise with a time limit', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('gives what it comes to, or why it fails, and leaves no timer behind', async () => {
    expect(await rejectAfter(Promise.resolve(1), 1_000)).toBe(1);
    await expect(rejectAfter(failed(), 1_000)).rejects.toThrow('failed');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('rejects when its time is over', async () => {
    const late = expect(rejectAfter(never, 1_000)).rejects.toThrow('no answer within 1000 ms');
    await jest.advanceTimersByTimeAsync(1_000);
    await late;
  });
});

describe('a wait of limited length', () => {
  it('ends with what is waited for, with its failure, or all the same when its time is over', async () => {
    expect(await settleWithin(Promise.resolve(1), 60_000)).toBeUndefined();
    await expect(settleWithin(failed(), 60_000)).rejects.toThrow('failed');
    expect(await settleWithin(never, 1)).toBeUndefined();
  });
});
