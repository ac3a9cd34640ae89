import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type PartPlan } from './child.js';
import { supervise } from './supervise.js';

const logs = { open: () => openSync('/dev/null', 'a'), path: () => '', tail: () => '' };
const listener = createServer();
beforeAll(async () => {
  await once(listener.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => void listener.close());

it('a part is started again, and only once, when the run file cannot be written', async () => {
  const pids: number[] = [];
  const said: string[] = [];
  const record = (_plan: unknown, pid: number) => {
    pids.push(pid);
    throw new Error('ENOSPC: no space left on device');
  };
  const { port } = listener.address() as AddressInfo;
  const args = ['-e', 'setInterval(() => {}, 1000)'];
  const plan: PartPlan = { name: 'key', command: process.execPath, args, env: {}, port };
  const runFile = { record, save: () => undefined, remove: () => undefined, run: { pid: 0, url: '', parts: {} } };
  const parts = supervise({ logs, runFile, say: (line) => said.push(line), migrating: () => undefined });
  await parts.start(plan, AbortSignal.timeout(10_000));
  process.kill(pids[0]!, 'SIGKILL');
  while (pids.length < 2) await sleep(10);
  await parts.stop();
  const unwritten = 'key: runs, but run.json could not be written (ENOSPC: no space left on device)';
  expect(said).toEqual([unwritten, 'key: stopped (SIGKILL), starts again in 100 ms', unwritten]);
  expect(pids.map((pid) => isAlive(pid))).toEqual([false, false]);
}, 15_000);

it('a part that can tell has started when it says so, and not when it listens', async () => {
  const asked: (string | undefined)[] = [];
  const teller = createHttpServer(({ url }, response) => {
    response.writeHead(asked.push(url) < 3 ? 503 : 200).end();
  });
  await once(teller.listen(0, '127.0.0.1'), 'listening');
  const { port } = teller.address() as AddressInfo;
  const runFile = { record: () => undefined, save: () => undefined, remove: () => undefined };
  const parts = supervise({
    logs,
    runFile: { ...runFile, run: { pid: 0, url: '', parts: {} } },
    ...{ say: () => undefined, migrating: () => undefined },
  });
  const args = ['-e', 'setInterval(() => {}, 1000)'];
  const plan: PartPlan = {
    name: 'key',
    command: process.execPath,
    args,
    env: {},
    port,
    startedPath: '/health/started',
  };
  await parts.start(plan, AbortSignal.timeout(10_000));
  await parts.stop();
  teller.close();
  expect(asked).toEqual(Array(3).fill('/health/started'));
}, 15_000);

it('a part that ends because its environment is wrong is not waited for, and only says why', async () => {
  const said = [
    'LOG_LEVEL: Invalid option',
    '{"level":30,"time":1,"msg":"tries"}',
    '{"level":60,"time":1,"err":{"message":"VAULT_KEK: no key","stack":"at"},"msg":"the service could not start"}',
  ];
  const runFile = { record: () => undefined, save: () => undefined, remove: () => undefined };
  const parts = supervise({
    logs: { ...logs, tail: () => said.join('\n') },
    runFile: { ...runFile, run: { pid: 0, url: '', parts: {} } },
    ...{ say: () => undefined, migrating: () => undefined },
  });
  const plan: PartPlan = { name: 'key', command: process.execPath, args: ['-e', 'process.exit(78)'], env: {}, port: 9 };
  const refused = parts.start(plan, AbortSignal.timeout(60_000));
  await expect(refused).rejects.toThrow(/^key does not start:\nLOG_LEVEL: Invalid option\nVAULT_KEK: no key$/);
  await parts.stop();
}, 15_000);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
