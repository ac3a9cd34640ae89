import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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

onLinux('says so also of the file that an export is written to', async () => {
  const server = createServer((_, reply) => reply.writeHead(200, { 'x-export-entries': '1' }).end('{}\n')).listen(0);
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const words = ['audit', 'export', '--url', url, '--key', 'bb_any', '--out'];
  const said = async (file: string) =>
    text(spawn(process.execPath, [program, ...words, file], { stdio: ['ignore', 'ignore', 'pipe'] }).stderr);
  expect(await said('/dev/full')).toMatch(/^OUTPUT_LOST: .*ENOSPC.*\n$/);
  expect(await said('/no/such/folder/export')).toMatch(/^OUTPUT_LOST: .*ENOENT.*\n$/);
  server.close();
});

it('ends well when its reader has gone', async () => {
  const line = '{ "$0" "$1" --help; echo $? >&2; } | :';
  const child = spawn('sh', ['-c', line, process.execPath, program], { stdio: ['ignore', 'ignore', 'pipe'] });
  expect(await text(child.stderr)).toBe('0\n');
});

it('says what is wrong in one line that steers no terminal, whoever wrote it', async () => {
  const message = 'no\u001b]52;c;x\u0007\u009b31m\nOK: \u202ex';
  const server = createServer((_, reply) =>
    reply.writeHead(409).end(JSON.stringify({ error: { code: 'GONE', message } })),
  );
  await once(server.listen(0), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const words = ['users', 'list', '--url', url, '--key', 'bb_any'];
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = await text(child.stderr);
  server.close();
  expect(said).toBe('GONE: no ]52;c;x  31m OK:  x\n');
});
