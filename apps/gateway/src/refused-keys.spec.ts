import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { FastifyRequest } from 'fastify';
import type { RefusedUses } from '#contracts/key.js';
import { newHouseholdKey } from '#contracts/secrets.js';
import { logger } from '#service/logger.js';
import { FakeBus } from '../test/fake-bus.js';
import { verifiedKey } from '../test/views.js';
import { RefusedKeys } from './refused-keys.js';

let bus: FakeBus;
let refused: RefusedKeys;
const request = { ip: '192.0.2.1', id: 'r1' } as FastifyRequest;

beforeEach(() => {
  logger.level = 'silent';
  jest.useFakeTimers({ now: Date.parse('2026-01-01T12:00:00.000Z') });
  bus = new FakeBus({ 'key.refused': () => ({}) });
  refused = new RefusedKeys(bus);
});
afterEach(() => {
  jest.useRealTimers();
});

const told = () => bus.asked.flatMap(({ ask }) => (ask as { uses: RefusedUses[] }).uses);
const counts = () => told().map(({ count }) => count);
const pass = (seconds: number) => jest.advanceTimersByTimeAsync(seconds * 1_000);
const revoked = () => refused.note(verifiedKey, 'REVOKED_API_KEY', request);

describe('refused requests', () => {
  it('are told within a second, with where the first came from', async () => {
    revoked();
    await pass(1);
    const at = '2026-01-01T12:00:00.000Z';
    expect(told()).toEqual([
      {
        key: { id: verifiedKey.id },
        ...{ reason: 'revoked', count: 1, first_at: at, last_at: at, address: '192.0.2.1', request_id: 'r1' },
        command_id: expect.any(String),
      },
    ]);
  });

  it('are told together when there are many: after a minute, two, four', async () => {
    for (let second = 0; second < 600; second++) {
      revoked();
      await pass(1);
    }
    expect(counts()).toEqual([1, 60, 120, 240]);
    await pass(600);
    expect(counts().reduce((sum, one) => sum + one)).toBe(600);
    expect(told()[1]).toMatchObject({
      first_at: '2026-01-01T12:00:01.000Z',
      last_at: '2026-01-01T12:01:00.000Z',
    });
  });

  it('are told at once again after a quiet window', async () => {
    revoked();
    await pass(62);
    revoked();
    await pass(1);
    expect(counts()).toEqual([1, 1]);
  });

  it('are told in time also where the clock is set back', async () => {
    revoked();
    await pass(1);
    jest.setSystemTime(Date.now() - 3_600_000);
    revoked();
    await pass(60);
    expect(counts()).toEqual([1, 1]);
  });

  it('are told seldom also when each comes after a quiet window, and anew after hours without any', async () => {
    for (let minute = 0; minute < 24 * 60; minute++) {
      revoked();
      await pass(61);
    }
    expect(counts().length).toBeLessThan(40);
    await pass(3 * 3_600);
    const before = counts().length;
    for (let n = 0; n < 3; n++) {
      revoked();
      await pass(15);
    }
    expect(counts().slice(before)).toEqual([1]);
    await pass(60);
    expect(counts().slice(before)).toEqual([1, 2]);
  });

  it('are told apart by reason, and a wrong key by its beginning', async () => {
    const wrong = newHouseholdKey();
    revoked();
    refused.note(verifiedKey, 'IP_NOT_ALLOWED', request);
    refused.note(wrong, 'INVALID_API_KEY', request);
    refused.note('password', 'INVALID_API_KEY', request);
    await pass(1);
    expect(told().map(({ key, reason }) => ({ ...key, reason }))).toEqual([
      { id: verifiedKey.id, reason: 'revoked' },
      { id: verifiedKey.id, reason: 'address' },
      { prefix: wrong.slice(0, 11), reason: 'mistyped' },
    ]);
    expect(JSON.stringify(told())).not.toContain(wrong);
  });

  it('are told later, and none is lost or counted twice, whatever was heard of them', async () => {
    const recorded = new Map<string, number>();
    let isLost = true;
    bus.answers['key.refused'] = ({ uses }) => {
      for (const { command_id, count } of uses) if (!recorded.has(command_id)) recorded.set(command_id, count);
      revoked();
      if (isLost) throw new Error('nobody answers');
      return {};
    };
    revoked();
    await pass(2);
    expect([...recorded.values()]).toEqual([1]);
    isLost = false;
    await pass(1);
    expect(new Set(told().map((uses) => JSON.stringify(uses))).size).toBe(1);
    expect(told().length).toBe(3);
    await pass(60);
    expect([...recorded.values()]).toEqual([1, 3]);
  });

  it('take a bounded memory, in which guesses push out only guesses', async () => {
    revoked();
    for (let n = 0; n <= 2_000; n++) refused.note(newHouseholdKey(), 'INVALID_API_KEY', request);
    await pass(1);
    expect(told()).toHaveLength(1_001);
    expect(told()[0]).toMatchObject({ reason: 'revoked' });
  });

  it('are told at the end', async () => {
    revoked();
    await pass(1);
    revoked();
    await refused.beforeApplicationShutdown();
    expect(counts()).toEqual([1, 1]);
  });

  it('are told at the end also beside those of which nobody knows whether they were heard', async () => {
    delete bus.answers['key.refused'];
    revoked();
    await pass(1);
    revoked();
    bus.answers['key.refused'] = () => ({});
    await refused.beforeApplicationShutdown();
    expect(counts()).toEqual([1, 1, 1]);
    expect(new Set(told().map(({ command_id }) => command_id)).size).toBe(2);
  });
});
