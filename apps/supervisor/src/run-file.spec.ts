import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { processBirth } from './process-birth.js';
import { claimRunFile } from './run-file.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-run-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const claimOver = (text: string) => {
  writeFileSync(join(dir, 'run.json'), text);
  return claimRunFile(dir, 'http://here');
};

it.each(['', 'null', '[]', '{"pid":123,"url":"x"}', '{"pid":123,"url":"x","parts":{"key":null}}'])(
  'a run file that says too little holds up no start: %s',
  async (text) => {
    expect((await claimOver(text)).run.url).toBe('http://here');
  },
);

it('a run file that names a living supervisor does, however little else it says', async () => {
  const living = { pid: process.pid, birth: processBirth(process.pid), url: 'http://there' };
  await expect(claimOver(JSON.stringify(living))).rejects.toThrow(
    'is in use: Latchkey already runs there at http://there',
  );
});
