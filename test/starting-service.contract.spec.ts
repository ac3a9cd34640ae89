import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { until } from '#testing/api.js';
import { freePort } from '../apps/supervisor/src/ports.js';

const program = join(__dirname, '../dist/apps/audit/src/main.js');
/** Nobody is there: the start waits for them, as it does while its tables are brought up to date. */
const servers = {
  NATS_URL: 'nats://127.0.0.1:1',
  DATABASE_URL: 'postgres://latchkey@127.0.0.1:1/latchkey',
  EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false',
};

let service: ChildProcess | undefined;
afterAll(() => void service?.kill('SIGKILL'));

it('a service that is still starting is alive, has not started, is not ready, and has metrics', async () => {
  const port = await freePort(new Set());
  service = spawn(process.execPath, [program], {
    env: { ...process.env, ...servers, HEALTH_PORT: String(port), SUPERVISED: '1' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const answer = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  const live = await until(
    () => answer('/health/live'),
    (found) => found !== undefined,
  );
  expect(live?.status).toBe(200);
  expect((await answer('/health/started'))?.status).toBe(503);
  const ready = await answer('/health/ready');
  expect([ready?.status, await ready?.json()]).toEqual([503, { status: 'down', views: [], parts: {} }]);
  expect(await (await answer('/metrics'))?.text()).toContain('process_cpu_user_seconds_total');
});
