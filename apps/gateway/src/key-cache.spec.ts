import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
import { CHANGE_MS, LEASE_MS, LEASE_RENEW_MS } from '#contracts/key-lease.js';
import type { VerifiedKey } from '#contracts/key.js';
import type { Ask } from '#contracts/subjects.js';
import { FakeBus } from '../test/fake-bus.js';
import { verifiedKey } from '../test/views.js';
import { MOST_REMEMBERED, VerifiedKeys } from './key-cache.js';
import { KeyLease } from './key-lease.js';

let bus: FakeBus;
let lease: KeyLease;
let keys: VerifiedKeys;
let answer: VerifiedKey | null = verifiedKey;

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setTimeout'] });
  answer = verifiedKey;
  bus = new FakeBus({ 'key.verify': answerAll });
  lease = new KeyLease(bus);
  keys = new VerifiedKeys(bus, lease);
});
afterEach(() => {
  lease.onApplicationShutdown();
  jest.useRealTimers();
});

const answerAll = ({ key_hashes }: Ask<'key.verify'>) => key_hashes.map(() => answer);
/** The next question is under way, once `asked`, until it is told what to say. */
const answerLater = () => {
  let reply: (key: VerifiedKey) => void = () => undefined;
  const asked = new Promise<void>((under) => {
    bus.answers['key.verify'] = () =>
      new Promise((resolve) => {
        reply = (key) => resolve([key]);
        under();
      });
  });
  return { asked, reply: (key: VerifiedKey) => reply(key) };
};
const asks = () => bus.keysAsked;

describe('under a lease', () => {
  beforeEach(() => keys.start());

  it('asks once for a key, good or wrong', async () => {
    expect(await keys.verify('good')).toEqual(verifiedKey);
    expect(await keys.verify('good')).toEqual(verifiedKey);
    answer = null;
    expect(await keys.verify('wrong')).toBeNull();
    expect(await keys.verify('wrong')).toBeNull();
    expect(asks()).toBe(2);
  });

  it('asks once for requests that come at the same moment, and again after a question that failed', async () => {
    const all = await Promise.all([1, 2, 3].map(async () => keys.verify('good')));
    expect([all, asks()]).toEqual([[verifiedKey, verifiedKey, verifiedKey], 1]);
    const { 'key.verify': verify, ...none } = bus.answers;
    bus.answers = none;
    const failing = [1, 2].map(async () => keys.verify('other'));
    expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    bus.answers = { 'key.verify': verify! };
    expect(await keys.verify('other')).toEqual(verifiedKey);
    expect(asks()).toBe(3);
  });

  it('lets who comes after a death share an older question, and still refuses', async () => {
    const { asked, reply } = answerLater();
    const before = keys.verify('good');
    await asked;
    bus.change(verifiedKey.id);
    const after = keys.verify('good');
    reply(verifiedKey);
    expect([await before, await after].map((key) => key?.revoked_at)).toEqual(
      Array(2).fill('2026-01-01T12:00:00.000Z'),
    );
    expect(asks()).toBe(1);
  });

  it('forgets a key before it confirms its death', async () => {
    await keys.verify('good');
    answer = { ...verifiedKey, revoked_at: '2026-01-01T12:00:00.000Z' };
    expect(bus.change(verifiedKey.id)).toBe(true);
    expect(await keys.verify('good')).toEqual({ ...answer, name: 'a key' });
    expect(asks()).toBe(2);
  });

  it('confirms the same death as often as it is announced', () => {
    expect([bus.change('key-1'), bus.change('key-1')]).toEqual([true, true]);
  });

  it('does not believe an answer that was under way when the key died', async () => {
    const { asked, reply } = answerLater();
    const verifying = keys.verify('good');
    await asked;
    bus.change(verifiedKey.id);
    reply(verifiedKey);
    expect((await verifying)?.revoked_at).not.toBeNull();
    bus.answers['key.verify'] = answerAll;
    expect((await keys.verify('good'))?.revoked_at).not.toBeNull();
  });

  it('does not believe it either when the clock is set meanwhile', async () => {
    const { asked, reply } = answerLater();
    const verifying = keys.verify('good');
    await asked;
    bus.change(verifiedKey.id);
    jest.setSystemTime(Date.now() + 2 * CHANGE_MS);
    reply(verifiedKey);
    expect((await verifying)?.revoked_at).not.toBeNull();
  });

  it('knows that a key retires before it confirms it, also when an older answer comes in later', async () => {
    const { asked, reply } = answerLater();
    const verifying = keys.verify('good');
    await asked;
    const change = { name: 'Kitchen', retires_at: '2030-01-01T00:00:00.000Z' };
    expect(bus.change(verifiedKey.id, change)).toBe(true);
    reply(verifiedKey);
    expect(await verifying).toEqual({ ...verifiedKey, ...change });
    expect(await keys.verify('good')).toEqual({ ...verifiedKey, ...change });
  });

  it('does not take back a death for a change that was announced late', async () => {
    bus.change(verifiedKey.id);
    bus.change(verifiedKey.id, { name: 'Kitchen' });
    expect((await keys.verify('good'))?.revoked_at).not.toBeNull();
  });

  it('lays a change over answers for as long as one may be under way, and no longer', async () => {
    bus.change(verifiedKey.id, { name: 'Kitchen' });
    await jest.advanceTimersByTimeAsync(CHANGE_MS);
    expect(await keys.verify('good')).toEqual(verifiedKey);
  });

  it('remembers which keys were good once, also without a lease', async () => {
    await keys.verify('good');
    answer = null;
    await keys.verify('wrong');
    bus.disconnect();
    expect(keys.known('good')).toBeUndefined();
    expect([keys.isProven('good'), keys.isProven('wrong')]).toEqual([true, false]);
  });

  it('drops everything when the connection was lost, even for an instant', async () => {
    await keys.verify('good');
    bus.disconnect();
    await jest.advanceTimersByTimeAsync(LEASE_RENEW_MS);
    expect(lease.current()).not.toBeNull();
    await keys.verify('good');
    expect(asks()).toBe(2);
  });

  it('does not keep an answer that was asked for under an earlier lease', async () => {
    const { asked, reply } = answerLater();
    const verifying = keys.verify('good');
    await asked;
    bus.disconnect();
    await jest.advanceTimersByTimeAsync(LEASE_RENEW_MS);
    reply(verifiedKey);
    await verifying;
    bus.answers['key.verify'] = answerAll;
    await keys.verify('good');
    expect(asks()).toBe(2);
  });

  it('keeps the lease for as long as it is renewed', async () => {
    await keys.verify('good');
    await jest.advanceTimersByTimeAsync(10 * LEASE_MS);
    await keys.verify('good');
    expect(asks()).toBe(1);
  });

  it('holds a bounded number of wrong keys, and no flood of them pushes a good one out', async () => {
    await keys.verify('good');
    answer = null;
    await keys.verify('wrong-0'); // By itself: the answers of many that are asked at once come in any order.
    await Promise.all(Array.from({ length: MOST_REMEMBERED }, async (_, n) => keys.verify(`wrong-${n + 1}`)));
    const before = asks();
    await keys.verify('good');
    await keys.verify(`wrong-${MOST_REMEMBERED}`);
    expect(asks()).toBe(before);
    await keys.verify('wrong-0');
    expect(asks()).toBe(before + 1);
  });
});

describe('without a lease', () => {
  it('shares no question: it could not know what has changed since', async () => {
    bus.grantsLeases = false;
    keys.start();
    await Promise.all([1, 2, 3].map(async () => keys.verify('good')));
    expect(asks()).toBe(3);
  });

  it('asks for each request while nobody grants one', async () => {
    bus.grantsLeases = false;
    keys.start();
    await keys.verify('good');
    await keys.verify('good');
    expect(asks()).toBe(2);
  });

  it('asks for each request once the lease has run out, and sees what was revoked meanwhile', async () => {
    keys.start();
    await keys.verify('good');
    bus.grantsLeases = false;
    await jest.advanceTimersByTimeAsync(LEASE_MS - 1);
    await keys.verify('good');
    expect(asks()).toBe(1);
    await jest.advanceTimersByTimeAsync(LEASE_RENEW_MS);
    answer = { ...verifiedKey, revoked_at: '2026-01-01T00:00:00.000Z' };
    expect(await keys.verify('good')).toEqual(answer);
    await keys.verify('good');
    expect(asks()).toBe(3);
  });

  it.each([
    ['has slept, during which only the wall clock went on', 3_600_000],
    ['has had its clock set back', -3_600_000],
  ])('asks, also before it is renewed, where the machine %s', async (_, ms) => {
    keys.start();
    await keys.verify('good');
    jest.setSystemTime(Date.now() + ms);
    answer = { ...verifiedKey, revoked_at: '2026-01-01T00:00:00.000Z' };
    expect(await keys.verify('good')).toEqual(answer);
    await jest.advanceTimersByTimeAsync(LEASE_RENEW_MS);
    expect(lease.current()).not.toBeNull();
    expect(await keys.verify('good')).toEqual(answer);
  });

  it('trusts nothing from before when a new lease begins', async () => {
    keys.start();
    await keys.verify('good');
    bus.grantsLeases = false;
    await jest.advanceTimersByTimeAsync(2 * LEASE_MS);
    bus.grantsLeases = true;
    await jest.advanceTimersByTimeAsync(LEASE_RENEW_MS);
    await keys.verify('good');
    expect(asks()).toBe(2);
  });

  it('says UNAVAILABLE when nobody can tell', async () => {
    keys.start();
    await keys.verify('good');
    bus.disconnect();
    delete bus.answers['key.verify'];
    await expect(keys.verify('good')).rejects.toBeInstanceOf(DomainError);
  });
});
