import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
import type { SessionChanges } from '#contracts/link-session.js';
import { until } from '#testing/api.js';
import { answers } from '../test/answers.js';
import { adminKey, type Answer, otherAdminKey, startGateway, type TestGateway } from '../test/gateway.js';
import { sessionView as session } from '../test/views.js';

const MOST = 100;
const pending: SessionChanges = { changes: [{ position: '5', session }], ended: false };
const paths = [
  `/api/v1/connections/link/${session.id}/events`,
  '/api/v1/audit/stream',
  '/v1/audit/stream',
] as const satisfies string[];

let gateway: TestGateway;
/** How each of the streams goes on that wait for news of the session. */
let waiting: ((go: () => SessionChanges) => void)[];

beforeAll(async () => {
  gateway = await startGateway();
  Object.assign(gateway.bus.answers, answers);
  gateway.bus.answers['link-session.changes'] = async ({ wait_ms }) => {
    if (wait_ms === 0) return pending;
    return (await new Promise<() => SessionChanges>((go) => waiting.push(go)))();
  };
  await gateway.app.listen(0, '127.0.0.1');
});
afterAll(() => gateway.app.close());
beforeEach(() => void (waiting = []));

const open = (path: string = paths[0], key = adminKey): Promise<Answer> =>
  gateway.call({ url: path, headers: { authorization: `Bearer ${key}`, 'x-api-key': key } });

const allWait = (count: number) =>
  until(
    () => Promise.resolve(waiting.length),
    (length) => length === count,
  );

async function fill(count = MOST): Promise<Promise<Answer>[]> {
  const before = waiting.length;
  const streams = Array.from({ length: count }, () => open());
  await allWait(before + count);
  return streams;
}

const connections = () =>
  new Promise<number>((resolve) => {
    gateway.app.getHttpServer().getConnections((_, count) => resolve(count));
  });

const end = (): SessionChanges => ({ changes: [], ended: true });
const fail = (): SessionChanges => {
  throw new DomainError('INTERNAL');
};

describe('the streams of one key', () => {
  it('are so many at once; one more has to wait, on whichever route, and another key does not', async () => {
    const streams = await fill();
    for (const path of paths) {
      const { status, headers, json } = await open(path);
      const { code } = json.error;
      const wanted = path.startsWith('/v1') ? 'rate_limited' : 'RATE_LIMITED';
      expect([path, status, headers['retry-after'], code]).toEqual([path, 429, '5', wanted]);
    }
    const others = open(paths[0], otherAdminKey);
    await allWait(MOST + 1);
    for (const go of waiting) go(end);
    const statuses = (await Promise.all([...streams, others])).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });

  it('make room when one ends, fails or has lost its reader', async () => {
    const reader = new AbortController();
    const url = `${await gateway.app.getUrl()}${paths[0]}`;
    await fetch(url, { headers: { 'x-api-key': adminKey }, signal: reader.signal });
    await allWait(1);
    const streams = await fill(MOST - 1);
    expect((await open()).status).toBe(429);
    reader.abort();
    await until(connections, (count) => count === 0);
    waiting[0]!(() => pending);
    waiting[1]!(end);
    waiting[2]!(fail);
    await Promise.all(streams.slice(0, 2));
    const more = await fill(3);
    expect((await open()).status).toBe(429);
    for (const go of waiting) go(end);
    await Promise.all([...streams, ...more]);
  });
});
