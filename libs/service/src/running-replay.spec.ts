import { afterEach, expect, it, jest } from '@jest/globals';
import type { View } from '#eventstore/view.js';
import { type RunningReplay, saveProgress } from './running-replay.js';

afterEach(() => void jest.useRealTimers());

const building = (): RunningReplay => ({
  view: { name: 'things' } as View,
  verify: false,
  wishes: [],
  hasBegun: true,
  startedAt: performance.now(),
  progress: { phase: 'building', events: 10, done: 0.5 },
  eventsPerSecond: 1,
});

const saved = async (all: RunningReplay[]) => {
  const rows: unknown[] = [];
  const query = (_: string, [text]: unknown[]) => Promise.resolve(rows.push(...(JSON.parse(text as string) as [])));
  await saveProgress({ query }, all);
  return rows;
};

it('how long a replay still takes does not hang on what the clock is set to meanwhile', async () => {
  jest.useFakeTimers();
  const running = { ...building(), wishes: [{ id: 'a' }, { id: 'b' }] } as RunningReplay;
  jest.advanceTimersByTime(10_000);
  jest.setSystemTime(Date.now() - 3_600_000);
  expect(await saved([running])).toMatchObject([
    { id: 'a', view: 'things', left: 10 },
    { id: 'b', view: 'things', left: 10 },
  ]);
});
