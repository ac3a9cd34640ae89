import { describe, expect, it } from '@jest/globals';
import { isBeyond, upTo } from './as-of.js';
import type { Recorded } from './recorded.js';

const noon = (minute: number) => `2026-01-01T12:${String(minute).padStart(2, '0')}:00.000Z`;
const onePm = new Date('2026-01-01T13:00:00.000Z');
const written = (at: string | undefined, created: Date) =>
  ({ event: { type: 'Happened', at }, created }) as unknown as Recorded;

describe('a stretch that was written while the clock of the store ran ahead', () => {
  const first = written(noon(10), onePm);
  const second = written(noon(40), onePm);

  it('is told from the times of its events', () => {
    expect(upTo([first, second], { time: noon(30) })).toEqual([first]);
    expect(upTo([first, second], { time: noon(5) })).toEqual([]);
    expect(upTo([first, second], { time: noon(45) })).toEqual([first, second]);
  });

  it('is not beyond a moment because of that clock', () => {
    expect([first, second].map(isBeyond({ time: noon(29) }))).toEqual([false, true]);
  });
});

it('where the clocks agree, or an event tells no time, that of the store counts', () => {
  const late = written(noon(10), new Date(noon(11)));
  expect(upTo([late], { time: '2026-01-01T12:10:30.000Z' })).toEqual([]);
  expect(upTo([written(undefined, onePm)], { time: noon(30) })).toEqual([]);
});
