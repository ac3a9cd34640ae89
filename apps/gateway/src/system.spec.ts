import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { logger } from '#service/logger.js';
import { answers } from '../test/answers.js';
import { adminKey, startGateway, type TestGateway } from '../test/gateway.js';

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
