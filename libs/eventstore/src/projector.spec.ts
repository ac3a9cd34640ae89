import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { Projector } from './projector.js';
import type { View } from './view.js';

const here = { commit: 7n, prepare: 7n };
/** A database in which the view stands `here`, and nothing is parked. */
const dataSource = {
  driver: { master: new EventEmitter() },
  getMetadata: () => ({ tableName: 'things' }),
  query: (text: string) => Promise.resolve(text.includes('checkpoints') ? [{ commit: '7', prepare: '7' }] : [{ n: 0 }]),
} as unknown as DataSource;

let projector: Projector;
beforeEach(async () => {
  jest.useFakeTimers();
  const log = { warn: () => undefined, error: () => undefined };
  projector = new Projector({ dataSource, log }, { name: 'things' } as View);
  await projector.begin();
});
afterEach(() => void jest.useRealTimers());

const minutesBehind = async (): Promise<number> => (await projector.health()).lag_ms / 60_000;
const pass = (minutes: number) => void jest.advanceTimersByTime(minutes * 60_000);
const batch = () => projector.apply({ events: [], position: here });

it('is behind from its start until it has caught up, however many batches come', async () => {
  for (let n = 0; n < 3; n++) {
    await batch();
    pass(1);
  }
  expect(await minutesBehind()).toBe(3);
  projector.onCaughtUp();
  pass(1);
  expect(await minutesBehind()).toBe(0);
});

it('is behind again from a batch after which more waits, or from a failure, until it stands at the head', async () => {
  projector.onCaughtUp();
  await batch();
  pass(2);
  await batch();
  expect(await minutesBehind()).toBe(2);
  projector.onHead();
  pass(1);
  expect(await minutesBehind()).toBe(0);
  projector.onFailure(new Error('away'));
  pass(1);
  await batch();
  expect(await minutesBehind()).toBe(1);
});

it('says it in whole milliseconds', async () => {
  jest.advanceTimersByTime(1.5);
  jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 0.25);
  expect((await projector.health()).lag_ms % 1).toBe(0);
});

it('is behind for as long as it is, whatever the clock is set to meanwhile', async () => {
  pass(2);
  jest.setSystemTime(Date.now() - 3_600_000);
  expect(await minutesBehind()).toBe(2);
});
