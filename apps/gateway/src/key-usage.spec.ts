import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { KeyUse } from '#contracts/key.js';
import { logger } from '#service/logger.js';
import { FakeBus } from '../test/fake-bus.js';
import { KeyUsage } from './key-usage.js';

let bus: FakeBus;
let usage: KeyUsage;

beforeEach(() => {
  logger.level = 'silent';
  jest.useFakeTimers({ now: Date.parse('2026-01-01T12:00:00.000Z') });
  bus = new FakeBus({ 'key.used': () => ({}) });
  usage = new KeyUsage(bus);
});
afterEach(() => {
  jest.useRealTimers();
});

const told = () => bus.asked.map(({ ask }) => (ask as { uses: KeyUse[] }).uses);
const pass = (seconds: number) => jest.advanceTimersByTimeAsync(seconds * 1_000);

describe('the use of keys', () => {
  it('is told in one batch after twenty seconds, each key with its last use', async () => {
    usage.note('a');
    usage.note('b');
    await pass(19);
    usage.note('a');
    expect(told()).toEqual([]);
    await pass(1);
    expect(told()).toEqual([
      [
        { key_id: 'a', at: '2026-01-01T12:00:19.000Z' },
        { key_id: 'b', at: '2026-01-01T12:00:00.000Z' },
      ],
    ]);
    await pass(60);
    expect(told()).toHaveLength(1);
  });

  it('is told at the end', async () => {
    usage.note('a');
    await usage.beforeApplicationShutdown();
    expect(told()).toHaveLength(1);
    await usage.beforeApplicationShutdown();
    expect(told()).toHaveLength(1);
  });

  it('is told again when nobody heard it, with what is newer', async () => {
    delete bus.answers['key.used'];
    usage.note('a');
    usage.note('b');
    await pass(19.5);
    bus.answers['key.used'] = () => {
      usage.note('b');
      throw new Error('not now');
    };
    await pass(0.5);
    bus.answers['key.used'] = () => ({});
    await pass(20);
    expect(told()[1]).toEqual([
      { key_id: 'b', at: '2026-01-01T12:00:20.000Z' },
      { key_id: 'a', at: '2026-01-01T12:00:00.000Z' },
    ]);
  });

  it('takes a bounded memory', async () => {
    for (let n = 0; n <= 10_000; n++) usage.note(`key-${n}`);
    await pass(20);
    expect(told()[0]).toHaveLength(10_000);
    expect(told()[0]!.at(-1)!.key_id).toBe('key-10000');
  });
});
