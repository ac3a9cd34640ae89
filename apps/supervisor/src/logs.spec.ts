import fs, {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { openLogs } from './logs.js';

const MOST = 100_000;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'latchkey-logs-'));
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(dataDir, { recursive: true });
});

it('a log that has grown big moves aside while its part goes on writing', async () => {
  const logs = openLogs(dataDir, 10, MOST);
  const log = logs.open('gateway');
  const before = 'x'.repeat(MOST + 1);
  writeSync(log, before);
  const aside = `${logs.path('gateway')}.1`;
  while (!existsSync(aside) || statSync(logs.path('gateway')).size > 0) await sleep(10);
  writeSync(log, 'after\n');
  closeSync(log);
  expect(readFileSync(aside, 'latin1') === before).toBe(true);
  expect(readFileSync(logs.path('gateway'), 'utf8')).toBe('after\n');
}, 10_000);

it('a log that has grown much too big between two looks loses nothing', async () => {
  const logs = openLogs(dataDir, 10, MOST);
  const log = logs.open('gateway');
  const before = `${'x'.repeat(5 * MOST)}the last line`;
  writeSync(log, before);
  closeSync(log);
  const aside = `${logs.path('gateway')}.1`;
  while (!existsSync(aside) || statSync(logs.path('gateway')).size > 0) await sleep(10);
  expect(readFileSync(aside, 'latin1') === before).toBe(true);
}, 10_000);

it('what its part writes while it moves is moved, too', async () => {
  const logs = openLogs(dataDir, 10, MOST);
  const log = logs.open('gateway');
  const before = Buffer.alloc(MOST + 1, 'x');
  writeSync(log, before);
  const append = fs.appendFileSync;
  jest.spyOn(fs, 'appendFileSync').mockImplementation((...piece) => {
    if (statSync(logs.path('gateway')).size === before.length) writeSync(log, 'meanwhile');
    append(...piece);
  });
  while (!existsSync(`${logs.path('gateway')}.1`)) await sleep(10);
  closeSync(log);
  const moved = readFileSync(`${logs.path('gateway')}.1`, 'latin1');
  expect([moved.length, moved.replaceAll('x', '')]).toEqual([before.length + 9, 'meanwhile']);
}, 10_000);

it('the end of a log is of this run alone, also when the log was moved aside meanwhile', () => {
  const before = openLogs(dataDir).open('gateway');
  writeSync(before, 'of the run before\n');
  const logs = openLogs(dataDir);
  expect(logs.tail('gateway')).toBe('');
  for (const line of ['first\n', 'started again\n']) {
    const log = logs.open('gateway');
    writeSync(log, line);
    closeSync(log);
  }
  expect(logs.tail('gateway')).toBe('first\nstarted again');
  ftruncateSync(before);
  writeSync(before, 'after\n');
  closeSync(before);
  expect(logs.tail('gateway')).toBe('after');
});
