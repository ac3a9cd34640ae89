import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { logger } from '#service/logger.js';
import { until } from '#testing/api.js';
import { answers } from '../test/answers.js';
import { adminKey, startGateway, type TestGateway } from '../test/gateway.js';
import { sessionView, userView } from '../test/views.js';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway();
  Object.assign(gateway.bus.answers, answers);
});
afterAll(() => gateway.app.close());

const get = (url: string) => gateway.call({ method: 'GET', url, headers: { 'x-api-key': '' } });
const part = { status: 'up', views: [{ name: 'a view', lag_ms: 3, parked: 0 }], parts: { bus: 'up' } };
const gone = { status: 'down', views: [], parts: {} };

describe('health', () => {
  beforeAll(
    () => void jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] }),
  );
  afterAll(() => void jest.useRealTimers());
  beforeEach(() => {
    Object.assign(gateway.bus.answers, answers);
    jest.advanceTimersByTime(1_000);
  });

  it('is live as long as the process runs', async () => {
    expect((await get('/health/live')).json).toEqual({ status: 'up' });
  });

  it('is ready when every part is, and shows how far each view is behind', async () => {
    const { status, json } = await get('/health/ready');
    expect(status).toBe(200);
    expect(json).toEqual({ status: 'up', parts: { key: part, connection: part, 'link-session': part, audit: part } });
  });

  it('is ready while a view is catching up', async () => {
    const views = [{ name: 'audit_entries', lag_ms: 3_600_000, parked: 0 }];
    gateway.bus.answers['audit.health'] = () => ({ status: 'up', views, parts: {} });
    expect((await get('/health/ready')).status).toBe(200);
  });

  it('is not ready when a part says it is down or says nothing', async () => {
    gateway.bus.answers['audit.health'] = () => ({ status: 'down', views: [], parts: { database: 'down' } });
    delete gateway.bus.answers['key.health'];
    const { status, json } = await get('/health/ready');
    expect([status, json.status]).toEqual([503, 'down']);
    expect(json.parts).toMatchObject({
      key: gone,
      connection: part,
      audit: { status: 'down', parts: { database: 'down' } },
    });
  });

  it('costs one look at the parts, however many ask at about the same time', async () => {
    const before = gateway.bus.asked.length;
    const asked = await Promise.all(Array.from({ length: 20 }, () => get('/health/ready')));
    expect(new Set([...asked, await get('/health/ready')].map(({ status }) => status))).toEqual(new Set([200]));
    expect(gateway.bus.asked.length - before).toBe(4);
  });

  it('says within a second that a part has gone, and sooner that it is back', async () => {
    const statuses = [(await get('/health/ready')).status];
    delete gateway.bus.answers['audit.health'];
    jest.advanceTimersByTime(1_000);
    statuses.push((await get('/health/ready')).status);
    Object.assign(gateway.bus.answers, answers);
    jest.advanceTimersByTime(250);
    statuses.push((await get('/health/ready')).status);
    expect(statuses).toEqual([200, 503, 200]);
  });
});

describe('what is recorded of a request', () => {
  const secret = 'SECRET-IN-PATH';
  const lines: string[] = [];

  beforeAll(async () => {
    const info = jest.spyOn(logger, 'info').mockImplementation((fields) => void lines.push(JSON.stringify(fields)));
    await gateway.call({ method: 'GET', url: `/api/v1/users/${secret}?q=${secret}` });
    await gateway.call({ method: 'GET', url: `/nope/${secret}` });
    await gateway.call({ method: 'POST', url: '/api/v1/users', payload: { name: secret, email: secret } });
    info.mockRestore();
  });

  it('is a line with the pattern of its route, never its path, query or body', () => {
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ method: 'GET', route: '/api/v1/users/:id', status: 404 }),
      expect.objectContaining({ method: 'GET', route: 'none', status: 404 }),
      expect.objectContaining({
        method: 'POST',
        route: '/api/v1/users',
        status: 400,
        key_prefix: adminKey.slice(0, 11),
      }),
    ]);
    expect(lines.join()).not.toContain(secret);
    expect(lines.join()).not.toContain(adminKey);
  });

  it('is a metric by the pattern of its route', async () => {
    const { headers, text } = await get('/metrics');
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toContain('http_requests_total{route="/api/v1/users/:id",method="GET",status="404"} 1');
    expect(text).toContain('http_request_duration_seconds_bucket{le="0.005",route="/api/v1/users/:id"');
    expect(text).not.toContain(secret);
  });
});

describe('what is recorded of a request whose client leaves', () => {
  const lines: { route: string; status: number }[] = [];
  beforeAll(async () => {
    await gateway.app.listen(0, '127.0.0.1');
    jest.spyOn(logger, 'info').mockImplementation((line) => void lines.push(line as (typeof lines)[number]));
  });
  afterAll(() => void jest.restoreAllMocks());

  /** The lines that this request has left once its client is gone. */
  async function leave(path: string, ready: (answer: Promise<Response>) => Promise<unknown>) {
    lines.length = 0;
    const client = new AbortController();
    const headers = { 'x-api-key': adminKey };
    const answer = fetch((await gateway.app.getUrl()) + path, { headers, signal: client.signal });
    answer.catch(() => undefined);
    await ready(answer);
    client.abort();
    await until(
      () => Promise.resolve(lines.length),
      (count) => count > 0,
    );
    return lines;
  }

  it('before its answer is a line and a metric with 499, and only one when the answer comes after all', async () => {
    let asked!: () => void;
    let answer!: () => void;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    gateway.bus.answers['connection.user.get'] = (ask) =>
      new Promise((resolve) => {
        answer = () => resolve(answers['connection.user.get']!(ask));
        asked();
      });
    const route = '/api/v1/users/:id';
    await leave(`/api/v1/users/${userView.id}`, () => isAsked);
    answer();
    expect((await get('/metrics')).text).toContain(`http_requests_total{route="${route}",method="GET",status="499"} 1`);
    expect(lines.filter((line) => line.route === route)).toEqual([expect.objectContaining({ route, status: 499 })]);
  });

  it('in the midst of a stream of events is a line with 200, and no time in the metric of times', async () => {
    const route = '/api/v1/connections/link/:id/events';
    gateway.bus.answers['link-session.changes'] = ({ wait_ms }) =>
      wait_ms === 0
        ? { changes: [{ position: '5', session: sessionView }], ended: false }
        : new Promise(() => undefined);
    await leave(`/api/v1/connections/link/${sessionView.id}/events`, (answer) => answer);
    expect(lines).toEqual([expect.objectContaining({ route, status: 200 })]);
    const { text } = await get('/metrics');
    expect(text).toContain(`http_requests_total{route="${route}",method="GET",status="200"} 1`);
    expect(text).not.toMatch(new RegExp(`http_request_duration_seconds_count\\{route="${route}"`));
  });
});
