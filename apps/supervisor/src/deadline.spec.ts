import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { startDeadline } from './deadline.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

it('a start has its time', () => {
  const { signal } = startDeadline(60_000);
  jest.advanceTimersByTime(59_999);
  expect(signal.aborted).toBe(false);
  jest.advanceTimersByTime(1);
  expect(signal.aborted).toBe(true);
});

it('the time of a start stands still while a part changes its tables, and then goes on', () => {
  const { signal, migrating } = startDeadline(60_000);
  jest.advanceTimersByTime(20_000);
  migrating('audit', true);
  migrating('key', true);
  jest.advanceTimersByTime(3_600_000);
  migrating('key', false);
  jest.advanceTimersByTime(3_600_000);
  migrating('audit', false);
  jest.advanceTimersByTime(39_999);
  expect(signal.aborted).toBe(false);
  jest.advanceTimersByTime(1);
  expect(signal.aborted).toBe(true);
});

it('a part that ends without having changed anything takes no time from the start, nor gives it any', () => {
  const { signal, migrating } = startDeadline(60_000);
  jest.advanceTimersByTime(30_000);
  migrating('audit', false);
  jest.advanceTimersByTime(30_000);
  expect(signal.aborted).toBe(true);
});

it('a clock that is set meanwhile takes no time from a start', () => {
  const { signal, migrating } = startDeadline(60_000);
  jest.setSystemTime(Date.now() + 3_600_000);
  migrating('audit', true);
  migrating('audit', false);
  jest.advanceTimersByTime(59_999);
  expect(signal.aborted).toBe(false);
  jest.advanceTimersByTime(1);
  expect(signal.aborted).toBe(true);
});
