import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
import { adminKey, platformAdmin, platformReader, startGateway, type TestGateway } from '../test/gateway.js';
import { sessionView, userView } from '../test/views.js';

let gateway: TestGateway;
let port: number;

beforeAll(async () => {
  gateway = await startGateway();
  await gateway.app.listen(0, '127.0.0.1');
  port = (gateway.app.getHttpServer().address() as AddressInfo).port;
});
afterAll(() => gateway.app.close());

/** Sends exactly these bytes, and `more` once that is heard; hears everything until the other side has nothing more to say. */
function raw(bytes: string, then?: { once: string; more: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      const before = heard;
      heard += chunk.toString();
      if (then && heard.includes(then.once) && !before.includes(then.once)) socket.write(then.more);
    });
    socket.on('close', () => resolve(heard));
    socket.on('error', reject);
    socket.setTimeout(1_000, () => socket.end());
  });
}

const bodyOf = (answer: string): unknown => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
const unknownRoute = { error: { code: 'NOT_FOUND', message: 'Not found' } };

describe('the envelope', () => {
  it('is JSON on an unknown route, without asking for a key', async () => {
    for (const url of ['/', '/nope', '/api', '/api/v1', '/api/v1/nope', '/api/v1/connections/link/a/b', '/v10']) {
      const { status, json } = await gateway.call({ method: 'GET', url, headers: { 'x-api-key': '' } });
      expect([url, status, json]).toEqual([url, 404, unknownRoute]);
    }
  });

  it('is the platform’s on /v1, with flat twins and the request id', async () => {
    const { status, json, headers } = await gateway.call({ method: 'GET', url: '/v1/nope?x=1' });
    expect(status).toBe(404);
    expect(json).toEqual({
      error: { code: 'not_found', message: 'Not found' },
      code: 'not_found',
      message: 'Not found',
      request_id: headers['x-request-id'],
    });
  });

  it.each([
    ['DELETE', '/api/v1/connections/link', 'POST, GET, HEAD'],
    ['PATCH', '/api/v1/connections/link', 'POST, GET, HEAD'],
    ['POST', '/api/v1/connections/link/sess0001', 'GET, HEAD, DELETE'],
    ['PUT', '/api/v1/users', 'POST, GET, HEAD'],
    ['GET', '/api/v1/connections/conn0001/relink', 'POST'],
    ['OPTIONS', '/api/v1/keys/me', 'GET, HEAD'],
    ['POST', '/health/live', 'GET, HEAD'],
    ['TRACE', '/api/v1/users', 'POST, GET, HEAD'],
    ['QUERY', '/api/v1/users', 'POST, GET, HEAD'],
    ['PROPFIND', '/api/v1/users', 'POST, GET, HEAD'],
  ] as const)('answers 405 to %s %s and says which methods there are', async (method, url, allow) => {
    const { status, json, headers } = await gateway.call({ method: method as 'PUT', url });
    expect([status, json.error.code]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect(headers).toMatchObject({ allow, 'x-request-id': expect.any(String), 'cache-control': 'no-store' });
  });

  it.each([
    ['POST', '/api/v1/users/'],
    ['GET', '/api/v1/users/'],
    ['POST', '/api/v1/connections/link/'],
    ['DELETE', '/api/v1/connections/link/'],
  ] as const)('answers 404 to %s %s, as an id is missing there', async (method, url) => {
    const { status, json } = await gateway.call({ method, url });
    expect([status, json.error.code]).toEqual([404, 'NOT_FOUND']);
  });

  it('is lower case for a wrong method on /v1', async () => {
    const { status, json } = await gateway.call({ method: 'PUT', url: '/v1/whoami' });
    expect([status, json.code]).toEqual([405, 'method_not_allowed']);
  });

  it('is RFC 9457 on both surfaces when that is what the client accepts', async () => {
    const accept = 'application/problem+json, application/json;q=0.5';
    const household = await gateway.call({ method: 'GET', url: '/api/v1/users/nobody', headers: { accept } });
    expect(household.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(household.json).toEqual({
      type: '/docs#NOT_FOUND',
      title: 'Not found',
      status: 404,
      detail: 'User not found',
      code: 'NOT_FOUND',
      request_id: household.headers['x-request-id'],
    });
    const platform = await gateway.call({ method: 'GET', url: '/v1/whoami', headers: { accept } });
    expect([platform.status, platform.json.code, platform.json.type]).toEqual([
      401,
      'unauthorized',
      '/docs#MISSING_API_KEY',
    ]);
  });

  it('is the same however the address is written', async () => {
    for (const target of ['/%761/whoami', 'http://elsewhere.example/v1/whoami?x=1', 'HTTP://x/%76%31/whoami']) {
      const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(bodyOf(answer)).toMatchObject({ error: { code: 'unauthorized' }, code: 'unauthorized' });
    }
  });

  it('is RFC 9457 only for who wants it', async () => {
    const typeFor = async (accept: string) =>
      (await gateway.call({ method: 'GET', url: '/api/v1/nope', headers: { accept } })).headers['content-type'];
    expect(await typeFor('text/html, Application/PROBLEM+JSON;q=0.5')).toMatch(/^application\/problem\+json/);
    expect(await typeFor('application/problem+json;q=0, */*')).toMatch(/^application\/json/);
  });

  it('names the fields on /v1', async () => {
    const authorization = `Bearer ${platformAdmin}`;
    const body = await gateway.call({ method: 'POST', url: '/v1/api-keys', headers: { authorization }, payload: {} });
    expect([body.status, body.json.code]).toEqual([400, 'invalid_body']);
    expect(body.json.error.details).toEqual({ issues: [{ field: 'name', message: 'name is required' }] });
    const query = await gateway.call({ method: 'GET', url: '/v1/connections?limit=0', headers: { authorization } });
    expect([query.status, query.json.code]).toEqual([400, 'invalid_query']);
    expect(query.json.error.details.issues[0].field).toBe('limit');
  });

  it('says when to try again while a part is away', async () => {
    const { status, json, headers } = await gateway.call({ method: 'GET', url: '/api/v1/users' });
    expect([status, json.error.code, headers['retry-after']]).toEqual([503, 'UNAVAILABLE', '1']);
  });

  it('says when to try again after too many requests', async () => {
    gateway.bus.answers['connection.user.list'] = () => {
      throw new DomainError('RATE_LIMITED', undefined, { retry_after: 7 });
    };
    const { status, headers } = await gateway.call({ method: 'GET', url: '/api/v1/users' });
    expect([status, headers['retry-after']]).toEqual([429, '7']);
  });

  it('hides what nobody foresaw', async () => {
    gateway.bus.answers['connection.user.list'] = () => {
      throw new Error('password=hunter2');
    };
    const { status, json, text } = await gateway.call({ method: 'GET', url: '/api/v1/users' });
    expect([status, json.error.code]).toEqual([500, 'INTERNAL']);
    expect(text).not.toContain('hunter2');
  });
});

describe('a request that Fastify or Node refuses', () => {
  it('is 404 when the path cannot be decoded or is far too long: it names nothing', async () => {
    for (const url of ['/api/v1/connections/link/%E0%A4%A', `/api/v1/users/${'x'.repeat(500)}`]) {
      const { status, json, headers } = await gateway.call({ method: 'GET', url });
      expect([status, json]).toEqual([404, unknownRoute]);
      expect(headers['x-request-id']).toBeTruthy();
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
  });

  it.each(['nonsense', '*', 'application/', 'application/json, application/json'])(
    'is not refused for the content type %s, which nobody looks at',
    async (type) => {
      const call = async (method: 'POST' | 'DELETE', url: string, headers: object = {}) => {
        const payload = method === 'POST' ? '{"name":5}' : undefined;
        const answer = await gateway.call({ method, url, headers: { 'content-type': type, ...headers }, payload });
        return [answer.status, answer.json.error.message as string];
      };
      const nobody = { 'x-api-key': '' };
      expect(await call('POST', '/api/v1/users')).toEqual([400, 'name must be a string']);
      expect(await call('POST', '/api/v1/users', nobody)).toEqual([401, expect.anything()]);
      expect(await call('DELETE', '/api/v1/users/aaaaaaaa', nobody)).toEqual([401, expect.anything()]);
      expect(await call('POST', '/api/v1/nope', nobody)).toEqual([404, expect.anything()]);
    },
  );

  it.each([
    ['no host', 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
    ['two hosts', 'GET /health/live HTTP/1.1\r\nHost: x\r\nhost: y\r\nConnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
    [
      'what it does not know to expect',
      'GET / HTTP/1.1\r\nHost: x\r\nExpect: zzz\r\nConnection: close\r\n\r\n',
      404,
      'NOT_FOUND',
    ],
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'BAD_REQUEST'],
    [
      'a bad content length',
      'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      'headers beyond 16 KiB',
      `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
  ])('answers %s in the envelope', async (_, bytes, status, code) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/\r\nx-request-id: [\w-]{36}\r\n/);
    expect(bodyOf(answer)).toMatchObject({ error: { code } });
  });

  it('misses no header, however many come before it', async () => {
    const others = 'a:\r\n'.repeat(3_000);
    const answer = await raw(`GET /v1/whoami HTTP/1.1\r\nHost: x\r\n${others}X-Request-Id: the-last\r\n\r\n`);
    expect(answer).toContain('\r\nx-request-id: the-last\r\n');
  });

  it('is a clean 413 also when the body comes in chunks and the client goes on sending', async () => {
    const head = `POST /api/v1/users HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const chunk = `2000\r\n${'x'.repeat(0x2000)}\r\n`;
    const answer = await raw(`${head}${chunk.repeat(64)}0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"PAYLOAD_TOO_LARGE"');
  });

  it.each([
    [
      'a body that was refused already',
      `POST /api/v1/users HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\nTransfer-Encoding: chunked\r\n\r\n` +
        `80000\r\n${'x'.repeat(0x80000)}\r\n`,
      'PAYLOAD_TOO_LARGE',
    ],
    [
      'a stream of events',
      `GET /api/v1/connections/link/${sessionView.id}/events HTTP/1.1\r\nHost: x\r\nX-API-Key: ${adminKey}\r\n\r\n`,
      'event: ',
    ],
  ])('does not speak into the answer to %s when what follows is malformed', async (_, bytes, begun) => {
    const changes = [{ position: '5', session: sessionView }];
    gateway.bus.answers['link-session.get'] = () => sessionView;
    gateway.bus.answers['link-session.changes'] = ({ wait_ms }) =>
      wait_ms === 0 ? { changes, ended: false } : new Promise(() => undefined);
    const answer = await raw(bytes, { once: begun, more: 'nonsense\r\n\r\n' });
    expect(answer).toContain(begun);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });
});

describe('every answer', () => {
  it('carries the caller’s request id when it is a plain word, else a new one', async () => {
    const idFor = async (id: string) =>
      (await gateway.call({ method: 'GET', url: '/health/live', headers: { 'x-request-id': id } })).headers[
        'x-request-id'
      ];
    expect(await idFor('my-Request_1.0')).toBe('my-Request_1.0');
    expect(await idFor('x'.repeat(128))).toBe('x'.repeat(128));
    for (const bad of ['', 'x'.repeat(129), 'a b', 'é', '<script>'])
      expect(await idFor(bad)).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('carries the security headers, and none that names the software', async () => {
    const { headers } = await gateway.call({ method: 'GET', url: '/nope' });
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    expect(headers).not.toHaveProperty('server');
    expect(headers).not.toHaveProperty('x-powered-by');
  });

  it('to HEAD is the one to GET without its body', async () => {
    gateway.bus.answers['connection.user.get'] = () => userView;
    const get = await gateway.call({ method: 'GET', url: '/api/v1/users/user0001' });
    const head = await gateway.call({ method: 'HEAD', url: '/api/v1/users/user0001' });
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', get.headers['content-length']]);
  });
});

describe('what a platform reader asks', () => {
  it('is forbidden when the scope is missing', async () => {
    const headers = { authorization: `Bearer ${platformReader}` };
    const { status, json } = await gateway.call({ method: 'GET', url: '/v1/api-keys', headers });
    expect([status, json.code]).toEqual([403, 'forbidden']);
  });
});
