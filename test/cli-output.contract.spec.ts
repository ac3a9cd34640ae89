import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { resolve } from 'node:path';
import { expect, it } from '@jest/globals';

const program = resolve(__dirname, '../bin/latchkey.js');
const onLinux = existsSync('/dev/full') ? it : it.skip;

onLinux('says that its output could not be written, and ends with 1', async () => {
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [program, '--help'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  const [said, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  expect(said).toMatch(/^OUTPUT_LOST: .*ENOSPC.*\n$/);
  expect(code).toBe(1);
});

it('ends well when its reader has gone', async () => {
  const line = '{ "$0" "$1" --help; echo $? >&2; } | :';
  const child = spawn('sh', ['-c', line, process.execPath, program], { stdio: ['ignore', 'ignore', 'pipe'] });
  expect(await text(child.stderr)).toBe('0\n');
});
