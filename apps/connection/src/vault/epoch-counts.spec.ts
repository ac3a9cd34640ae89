import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { until } from '#testing/api.js';
import { EpochCounts } from './epoch-counts.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';

/** A vault whose table has no end: each statement counts one credential more, up to here. */
let stretches: number;
let counted: number;
const query = (text: string) => {
  if (text.includes('count(*)')) return Promise.resolve([{ epoch: 1, entries: ++counted }]);
  return Promise.resolve(text.includes('offset') && --stretches > 0 ? [{}] : []);
};
const vault = { query } as unknown as DataSource;

beforeEach(() => void ([stretches, counted] = [1, 0]));
afterEach(() => void jest.restoreAllMocks());

describe('a count of the vault', () => {
  it('is one for all who ask while it is under way, and soon after', async () => {
    const counts = new EpochCounts(vault, new AbortController().signal);
    await Promise.all([counts.lately(), counts.lately(), counts.lately()]);
    await counts.lately();
    expect(counted).toBe(1);
    const now = performance.now();
    jest.spyOn(performance, 'now').mockReturnValue(now + 3_000);
    await counts.lately();
    expect(counted).toBe(2);
  });

  it('is another one after one that failed', async () => {
    const counts = new EpochCounts(vault, new AbortController().signal);
    const failing = jest.spyOn(vault, 'query').mockRejectedValueOnce(new Error('the database is away'));
    await expect(counts.lately()).rejects.toThrow('the database is away');
    failing.mockRestore();
    expect(await counts.lately()).toMatchObject([{ entries: 1 }]);
  });

  it('is another one for who asks after a rotation has ended meanwhile', async () => {
    const counts = new EpochCounts(vault, new AbortController().signal);
    const before = counts.lately();
    counts.forget();
    const after = counts.lately();
    expect(await after).not.toBe(await before);
    expect(await counts.lately()).toBe(await after);
  });

  it('that has begun before a rotation ended is not shown after it', async () => {
    const counts = new EpochCounts(vault, new AbortController().signal);
    const before = counts.lately();
    counts.forget();
    await before;
    expect(await counts.lately()).not.toBe(await before);
  });

  it('ends with the service, and after a minute', async () => {
    const stopping = new AbortController();
    stretches = Infinity;
    const counting = new EpochCounts(vault, stopping.signal).lately();
    stopping.abort();
    await expect(counting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const now = performance.now();
    const late = new EpochCounts(vault, new AbortController().signal).lately();
    jest.spyOn(performance, 'now').mockReturnValue(now + 61_000);
    await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is a new one once a rotation is over that has found something under an older epoch', async () => {
    jest.spyOn(performance, 'now').mockReturnValue(0);
    let older: object[] = [];
    const held = {
      query: (text: string) => (text.includes('any($7)') ? Promise.resolve(older.splice(0)) : query(text)),
    } as unknown as DataSource;
    const VAULT_KEK = [1, 2].map((epoch) => `${epoch}:${randomBytes(32).toString('base64')}`).join();
    const rotation = new KeyRotation(new KeyRing({ VAULT_KEK }), held);
    const entries = async () => (await rotation.status()).epochs[0]!.entries;
    const over = () => new Promise(setImmediate);
    expect([await entries(), await entries()]).toEqual([1, 1]);
    rotation.start();
    await over();
    expect(await entries()).toBe(1);
    older = [{ connection_id: 'c', field: 'credential', version: 1, epoch: 1, wrapped_key: Buffer.alloc(60) }];
    rotation.start();
    expect(await until(entries, (many) => many !== 1)).toBe(2);
    await rotation.onApplicationShutdown();
  });
});
