import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { until } from '#testing/api.js';

const program = join(__dirname, '../dist/apps/gateway/src/main.js');
/** Nobody is there: the gateway serves all the same. */
const NATS_URL = 'nats://127.0.0.1:1';

const gateway = spawn(process.execPath, [program], {
  env: { ...process.env, NATS_URL, PORT: '0', LOG_LEVEL: 'info', SUPERVISED: '1' },
  stdio: ['pipe', 'ignore', 'pipe'],
});
let log = '';
gateway.stderr.on('data', (chunk) => (log += String(chunk)));
afterAll(() => void gateway.kill('SIGKILL'));

it('a process that is asked to stop writes the last lines of its log and ends with 0', async () => {
  const [, url] = await until(
    () => Promise.resolve(/"url":"([^"]+)","msg":"serving"/.exec(log) ?? []),
    (found) => found.length > 0,
  );
  // The line of this request would leave a tenth of a second later.
  await fetch(`${url}/health/live`, { headers: { 'x-request-id': 'the-last-one', connection: 'close' } });
  const closed = once(gateway, 'close');
  gateway.kill('SIGTERM');
  expect(await closed).toEqual([0, null]);
  expect(log).toContain('"request_id":"the-last-one"');
});
