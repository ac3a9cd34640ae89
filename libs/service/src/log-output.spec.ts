import fs, { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { LogOutput } from './log-output.js';

type Written = (error: NodeJS.ErrnoException | null, written: number, bytes: Buffer) => void;
type Write = (file: number, bytes: Buffer, then: Written) => void;

let dir: string;
let file: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-log-output-'));
  file = openSync(join(dir, 'log'), 'a');
});
// What an output could not write yet comes again for as long as its process lives. So the file stays open: its number would soon be
// that of a file of another spec.
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

const written = () => readFileSync(join(dir, 'log'), 'utf8');
const write = fs.write as unknown as Write;
const disk = () => jest.spyOn(fs as unknown as { write: Write }, 'write');
const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });

it('lines leave together', async () => {
  const attempts = disk();
  const output = new LogOutput(file);
  for (const line of ['one\n', 'two\n', 'drei: ü\n']) output.write(line);
  while (written() === '') await sleep(5);
  expect(written()).toBe('one\ntwo\ndrei: ü\n');
  expect(attempts).toHaveBeenCalledTimes(1);
});

it('a line that a full disk cut is whole once there is room again', async () => {
  const attempts = disk();
  attempts.mockImplementationOnce((to, bytes, then) => write(to, bytes.subarray(0, 2), then));
  for (let i = 0; i < 3; i++) attempts.mockImplementationOnce((_, bytes, then) => then(full, 0, bytes));
  const output = new LogOutput(file);
  output.write('one\n');
  while (attempts.mock.calls.length < 3) await sleep(5);
  expect(written()).toBe('on');
  output.write('two\n');
  while (!written().endsWith('two\n')) await sleep(5);
  expect(written()).toBe('one\ntwo\n');
});

it('what comes while too much waits is lost, a line as a whole', async () => {
  const attempts = disk().mockImplementation((_, bytes, then) => then(full, 0, bytes));
  const output = new LogOutput(file);
  const line = `${'x'.repeat(99)}\n`;
  for (let i = 0; i < 50_000; i++) output.write(line);
  attempts.mockRestore();
  while (!written().endsWith('after\n')) {
    await sleep(5);
    output.write('after\n');
  }
  const lines = written().split('\n');
  expect(lines.length).toBeLessThan(11_000);
  expect(new Set(lines)).toEqual(new Set(['x'.repeat(99), 'after', '']));
});
