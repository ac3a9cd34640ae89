import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { KeyView } from '#contracts/key.js';
import { logger } from '#service/logger.js';
import { FinishRotations } from './finish-rotations.js';
import type { KeyQueries } from './key-queries.js';
import type { Keys } from './keys.service.js';

const key = { id: 'key-1', project_id: 'prj_1', environment: 'live' } as KeyView;

let asked: string[];
let left: KeyView[];
let made: string[];
let revoked: string[];
let finishing: FinishRotations;

beforeEach(() => {
  logger.level = 'silent';
  jest.useFakeTimers({ now: Date.parse('2026-01-02T12:00:00.000Z') });
  [asked, left, made, revoked] = [[], [key], [], []];
  const queries = {
    hasCaughtUp: true,
    withoutSuccessor: (since: string) => Promise.resolve(void asked.push(since)).then(() => left),
    afterGrace: () => Promise.resolve([key]),
  };
  const keys = {
    createSuccessor: (id: string) =>
      id === key.id ? Promise.reject(new Error('the id is taken')) : Promise.resolve(made.push(id)),
    revoke: (_: unknown, id: string) => Promise.resolve(revoked.push(id)),
  };
  finishing = new FinishRotations(keys as unknown as Keys, queries as unknown as KeyQueries);
  finishing.onApplicationBootstrap();
});
afterEach(async () => {
  await finishing.beforeApplicationShutdown();
  jest.useRealTimers();
});

it('a successor that cannot be made keeps no key from being revoked after its grace', async () => {
  await jest.advanceTimersByTimeAsync(2_000);
  expect(revoked).toEqual(['key-1']);
});

it('nor any other successor from being made', async () => {
  left = [key, { ...key, id: 'key-2' }];
  await jest.advanceTimersByTimeAsync(2_000);
  expect(made).toEqual(['key-2']);
});

it('all rotations are looked at until none is left, and then those of the last day', async () => {
  await jest.advanceTimersByTimeAsync(2_000);
  left = [];
  await jest.advanceTimersByTimeAsync(4_000);
  expect(asked).toEqual(['', '', '2026-01-01T12:00:06.000Z']);
});
