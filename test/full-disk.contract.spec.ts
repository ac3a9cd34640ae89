import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { until } from '#testing/api.js';
import { freePort } from '../apps/supervisor/src/ports.js';

const onLinux = existsSync('/dev/full') ? describe : describe.skip;
const built = join(__dirname, '../dist');
const loggers = {
  'the services': 'libs/service/src/logger.js',
  'the embedded event store': 'apps/eventstore-embedded/src/logger.js',
};

/** Answers over HTTP, and logs all the time. */
const program = `
  const { logger } = require(process.argv[1]);
  setInterval(() => logger.info('x'.repeat(200)), 1);
  process.on('SIGTERM', () => {
    logger.info('stopping');
    process.exit(0);
  });
  const server = require('node:http').createServer((_, response) => response.end('here'));
  server.listen(Number(process.env.PORT), '127.0.0.1');
`;

let child: ChildProcess;
afterEach(() => void child.kill('SIGKILL'));

/** Both of its outputs go to the disk that is full. */
function start(args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const full = openSync('/dev/full', 'w');
  child = spawn(process.execPath, args, { stdio: ['ignore', full, full], env: { ...process.env, ...env } });
  closeSync(full);
  return child;
}

async function greeting(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return bytes.toString();
}

onLinux('on a full disk', () => {
  it.each(Object.entries(loggers))('whoever logs like %s goes on, and ends when it is told to', async (_, logger) => {
    const port = await freePort(new Set());
    const exit = once(start(['-e', program, join(built, logger)], { PORT: String(port) }), 'exit');
    const ask = () => fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(2_000) });
    await until(ask, ({ ok }) => ok);
    // In which hundreds of lines are lost.
    await sleep(1_000);
    expect(await (await ask()).text()).toBe('here');
    child.kill();
    const toldAt = Date.now();
    expect(await exit).toEqual([0, null]);
    expect(Date.now() - toldAt).toBeLessThan(2_000);
  });

  it('a broker starts, though it cannot say where it listens', async () => {
    const port = await freePort(new Set());
    const dir = mkdtempSync(join(tmpdir(), 'latchkey-full-disk-'));
    const accounts = join(dir, 'accounts.json');
    writeFileSync(accounts, '[]');
    start([join(built, 'apps/broker/src/main.js')], { BROKER_PORT: String(port), BROKER_ACCOUNTS_FILE: accounts });
    await until(
      () => greeting(port),
      (said) => said.startsWith('INFO'),
    );
    await sleep(500);
    expect(await greeting(port)).toMatch(/^INFO/);
    rmSync(dir, { recursive: true });
  });
});
