import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { connectEventStore } from '#eventstore/client.js';
import { toRecorded } from '#eventstore/recorded.js';
import { type Api, newCaller, newUser, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { HOSTILE_BODIES, ODD_IDS, ODD_TEXTS, ODD_VALUES, type Schema, UNKNOWN, wrongValues } from './hostile-values.js';
import { openLink, type PageVisit, type Started } from './page-visit.js';
import { bodies, type Ids } from './isolation-recipes.js';
import { withIds } from './isolation-walk.js';
import { liveWorld } from './isolation-world.js';
import { type RawAnswer, rawBytes, rawRequest } from './raw-http.js';

const FUZZ_RUNS = 500;

interface Route {
  method: string;
  path: string;
  /** Undefined when it takes no body; `optional` when an empty one is as good as `{}`. */
  body?: { fields: Record<string, Schema>; required: string[]; optional: boolean };
  query: string[];
}

const stack = sharedStack();
let routes: Route[];
let api: Api;
let key: string;
let project: string;
/** Things that are there, for a request that is wrong in nothing else. */
let ids: Ids;
let known: { user: string; session: string; visit: PageVisit };

beforeAll(async () => {
  const caller = await newCaller(stack.run());
  ({ api, key } = caller);
  project = caller.tenant.project_id;
  ids = (await liveWorld(stack, caller)).ids[0]!;
  routes = routesOf((await api.get('/openapi.json')).body as Document);
  const user_id = await newUser(api);
  const session = (await api.post('/api/v1/connections/link', { user_id })).body as {
    id: string;
    url: string;
  };
  const visit = await openLink(session.url);
  await visit.post('activate');
  known = { user: user_id, session: session.id, visit };
});

interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties?: Record<string, Schema>; required?: string[] }> };
}
interface Operation {
  parameters?: { in: string; name: string }[];
  requestBody?: { required: boolean; content: { 'application/json'?: { schema: { $ref?: string } } } };
}

function routesOf({ paths, components }: Document): Route[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { parameters = [], requestBody }]) => {
      const name = requestBody?.content['application/json']?.schema.$ref?.split('/').at(-1);
      const schema = name === undefined ? undefined : components.schemas[name];
      const body = schema && {
        fields: schema.properties ?? {},
        required: schema.required ?? [],
        optional: !requestBody!.required,
      };
      const query = parameters.filter((one) => one.in === 'query').map((one) => one.name);
      return { method: method.toUpperCase(), path, query, ...(body && { body }) };
    }),
  );
}

const isPlatform = (path: string) => /^\/v1([/?]|$)/.test(path);
const auth = (path: string): Record<string, string> =>
  isPlatform(path) ? { authorization: `Bearer ${key}` } : { 'x-api-key': key };
const json = { 'content-type': 'application/json' };

/** Paths with something in the place of each parameter. */
const filled = (path: string, id: string) => path.replaceAll(/\{\w+\}/g, id);
const ofOurs = (path: string) => withIds(path, ids, project);

interface Sent {
  method: string;
  path: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** The field that is wrong: refused for anything else, such as an id that nobody has, the request shows nothing. */
  about?: string;
}

async function send({ method, path, headers = {}, body }: Sent): Promise<RawAnswer> {
  const type = body === undefined ? {} : json;
  return rawRequest(stack.url, { method, path, headers: { ...auth(path), ...type, ...headers }, body });
}

interface Wanted {
  accepted?: number[];
  /** Any 4xx when left out. */
  refusals?: number[];
}

/** What is wrong with an answer to something that should have been refused; null when nothing is. */
function complaint(
  { status, headers, text }: RawAnswer,
  { path, about }: Pick<Sent, 'path' | 'about'>,
  { accepted = [], refusals }: Wanted = {},
): string | null {
  if (accepted.includes(status)) return null;
  if (refusals ? !refusals.includes(status) : status < 400 || status >= 500) return `${status} ${text.slice(0, 200)}`;
  if (!/^application\/json/.test(String(headers['content-type']))) return `not JSON: ${status} ${text.slice(0, 200)}`;
  const body = JSON.parse(text) as {
    error?: { code?: unknown; message?: unknown };
    code?: unknown;
    request_id?: unknown;
  };
  const { code, message } = body.error ?? {};
  const inEnvelope = typeof code === 'string' && typeof message === 'string' && text.length < 4_000;
  const ofSurface = isPlatform(path) ? body.code === code && typeof body.request_id === 'string' : !('code' in body);
  if (!inEnvelope || !ofSurface) return `not the envelope: ${status} ${text.slice(0, 200)}`;
  const blamed = about === undefined || message.includes(about) || message.startsWith('The request body ');
  return blamed ? null : `not for ${about}: ${status} ${text.slice(0, 200)}`;
}

/** Sends all of them and answers what was wrong, each with what brought it about. */
async function complaints(all: Sent[], wanted?: Wanted): Promise<string[]> {
  const found: string[] = [];
  for (const one of all) {
    const wrong = complaint(await send(one), one, wanted);
    const shown = String(one.body ?? '').slice(0, 80);
    if (wrong) found.push(`${one.method} ${one.path.slice(0, 200)} ${shown} ${JSON.stringify(one.headers)}: ${wrong}`);
  }
  return found;
}

/** Events that carry our project: what was refused has left none. */
async function eventsOfOurs(): Promise<number> {
  const client = connectEventStore(stack.run().eventstore.url);
  try {
    let count = 0;
    for await (const resolved of client.readAll()) if (toRecorded(resolved)?.metadata.project_id === project) count++;
    return count;
  } finally {
    await client.dispose();
  }
}

async function leavesNothing(hostile: () => Promise<string[]>): Promise<void> {
  const before = await eventsOfOurs();
  expect(await hostile()).toEqual([]);
  expect(await eventsOfOurs()).toBe(before);
}

const withBody = () => routes.filter((route) => route.body);

describe('a body', () => {
  it.each(HOSTILE_BODIES)('that is %s is refused by every route', async (_, body) => {
    expect(withBody().length).toBeGreaterThan(4);
    const hostile = withBody().map(({ method, path }) => ({ method, path: ofOurs(path), body }));
    await leavesNothing(() => complaints(hostile, { refusals: [400, 413] }));
  });

  it('with a field of another type is refused by every route', async () => {
    const hostile = withBody().flatMap(({ method, path, body }) =>
      Object.entries(body!.fields).flatMap(([field, schema]) =>
        wrongValues(schema).map((value) => ({
          ...{ method, path: ofOurs(path), about: field },
          body: `{${[...otherFields(`${method} ${path}`, field), `"${field}":${value}`].join(',')}}`,
        })),
      ),
    );
    expect(hostile.length).toBeGreaterThan(150);
    await leavesNothing(() => complaints(hostile, { refusals: [400] }));
  });

  it('is refused by its size before its content, and the connection lives on', async () => {
    for (const size of [65_537, 1_000_000]) {
      const answer = await send({ method: 'POST', path: '/api/v1/users', body: 'x'.repeat(size) });
      expect([answer.status, answer.text]).toEqual([413, expect.stringContaining('PAYLOAD_TOO_LARGE')]);
    }
    expect((await api.get('/api/v1/keys/me')).status).toBe(200);
  });
});

/** Of a body that the route would take. */
const otherFields = (operation: string, except: string): string[] =>
  Object.entries(bodies[operation]!(ids))
    .filter(([field]) => field !== except)
    .map(([field, value]) => `"${field}":${JSON.stringify(value)}`);

describe('a path', () => {
  it('with an odd or an unknown id names nothing, on every route', async () => {
    const withId = routes.filter(({ path }) => path.includes('{'));
    expect(withId.length).toBeGreaterThan(12);
    const hostile = withId.flatMap(({ method, path }) =>
      ODD_IDS.map((id) => ({ method, path: filled(path, id), ...(method === 'PATCH' && { body: '{"name":"x"}' }) })),
    );
    await leavesNothing(() => complaints(hostile));
  });

  it('that is no route names nothing', async () => {
    const paths = [
      '/',
      '//',
      '/api',
      '/api/v1',
      '/api/v1/',
      '/api/v2/users',
      '/API/V1/USERS',
      '/api/v1/users/',
      '/v1',
      '/v1/',
    ];
    paths.push('/api/v1//users', '/api/v1/users%2f', '/.env', '/.git/config', '/api/v1/%75sers/x', '/api/v1/users;a=b');
    paths.push('/api/v1/../../etc/passwd', '/%', '/%00', '/\u{7f}', `/${'a/'.repeat(2_000)}`, '/api/v1/users#x', '*');
    const all = paths.map((path) => ({ method: 'POST', path, body: '{"name":5}' }));
    await leavesNothing(() => complaints(all));
  });

  it('takes no other method than the documented ones, and says which it takes', async () => {
    const methods = ['PUT', 'GET', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE', 'LINK'];
    const paths = [...new Set(routes.map(({ path }) => path))];
    const taken = (path: string) => routes.filter((route) => route.path === path).map(({ method }) => method);
    const hostile = paths.flatMap((path) =>
      methods
        .filter((method) => !taken(path).includes(method))
        .map((method) => ({ method, path: filled(path, UNKNOWN) })),
    );
    expect(hostile.length).toBeGreaterThan(100);
    await leavesNothing(() => complaints(hostile));
    for (const path of paths) {
      const method = methods.find((one) => !taken(path).includes(one))!;
      const answer = await send({ method, path: filled(path, UNKNOWN) });
      const allowed = String(answer.headers['allow']).split(', ');
      expect([path, answer.status, allowed]).toEqual([path, 405, expect.arrayContaining(taken(path))]);
    }
  });
});

/** On the platform a user may have any name. */
const oddValues = (path: string, name: string): string[] =>
  (isPlatform(path) && name === 'user_id' ? undefined : ODD_VALUES[name]) ?? ODD_TEXTS;

describe('a query', () => {
  it('with an odd value is refused on every route that takes one', async () => {
    const hostile = routes.flatMap(({ method, path, query }) =>
      query.flatMap((name) =>
        oddValues(path, name).map((value) => ({
          method,
          path: `${ofOurs(path)}?${name}=${value}`,
        })),
      ),
    );
    expect(hostile.length).toBeGreaterThan(200);
    expect(await complaints(hostile, { refusals: [400] })).toEqual([]);
  });

  it('with a value twice, or with what nobody asked for, never fails', async () => {
    const tails = ['limit=1&limit=2', 'cursor=a&cursor=b', '__proto__=1', '__proto__[limit]=1', 'limit[]=1', '&&&=&'];
    tails.push('%', '%zz=%', 'constructor=x', 'a=1&'.repeat(2_000), '%00=%00');
    const hostile = routes
      .filter(({ method, path }) => method === 'GET' && !path.includes('{'))
      .flatMap(({ path }) => tails.map((tail) => ({ method: 'GET', path: `${path}?${tail}` })));
    expect(await complaints(hostile, { accepted: [200] })).toEqual([]);
  });
});

describe('headers', () => {
  const post = (headers: Record<string, string | string[]>) => ({
    method: 'POST',
    path: '/api/v1/users',
    body: '{}',
    headers,
  });

  it('that abuse a name or a value are refused', async () => {
    const long = 'x'.repeat(9_000);
    await leavesNothing(() =>
      complaints([
        post({ 'x-api-key': '' }),
        post({ 'x-api-key': `bb_${'0'.repeat(43)}` }),
        post({ 'x-api-key': long }),
        post({ 'x-api-key': '\u00ff\u00fe' }),
        post({ 'x-api-key': ['a', 'b'] }),
        post({ 'x-api-key': '', authorization: 'Basic eDp5' }),
        post({ 'x-api-key': '', authorization: `Bearer ${long}` }),
        post({ 'content-type': 'multipart/form-data; boundary=x' }),
        post({ 'content-type': long }),
        post({ 'content-type': 'application/json; charset=utf-7' }),
        post({ 'content-encoding': 'gzip' }),
        post({ 'idempotency-key': '' }),
        post({ 'idempotency-key': 'x'.repeat(256) }),
        post({ 'idempotency-key': '\u00ff' }),
        post({ 'x-request-id': '\u00ff'.repeat(500) }),
        post({ 'x-forwarded-for': '127.0.0.1, ::1, <script>', 'x-forwarded-host': 'evil.example' }),
        post({ 'x-http-method-override': 'DELETE' }),
        post({ accept: 'text/html;q=1, */*;q=0' }),
        post({ cookie: `${'a=b; '.repeat(1_500)}` }),
        post({ host: 'evil.example' }),
        post(Object.fromEntries(Array.from({ length: 90 }, (_, n) => [`x-${n}`, 'y']))),
      ]),
    );
  });

  const lines = (...all: string[]) => [...all, '', ''].join('\r\n');
  const host = 'Host: localhost';
  it.each([
    ['are larger than any should be', lines('GET /api/v1/users HTTP/1.1', host, `X-A: ${'x'.repeat(70_000)}`), 431],
    [
      'smuggle a second request',
      lines('POST /api/v1/users HTTP/1.1', host, 'Content-Length: 6', 'Transfer-Encoding: chunked', '', '0'),
      400,
    ],
    ['name two lengths', lines('POST /api/v1/users HTTP/1.1', host, 'Content-Length: 1', 'Content-Length: 2'), 400],
    ['name a length below nothing', lines('POST /api/v1/users HTTP/1.1', host, 'Content-Length: -1'), 400],
    ['name a length that is none', lines('POST /api/v1/users HTTP/1.1', host, 'Content-Length: 1e3'), 400],
    ['break a line inside', 'GET /api/v1/users HTTP/1.1\r\nHost: localhost\r\nX-A: b\rX-B: c\r\n\r\n', 400],
    ['have a NUL inside', lines('GET /api/v1/users HTTP/1.1', host, 'X-A: a\0b'), 400],
    ['belong to another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['belong to a method nobody knows', lines('BREW /api/v1/users HTTP/1.1', host), 400],
    ['chunk what cannot be', lines('POST /api/v1/users HTTP/1.1', host, 'Transfer-Encoding: chunked', '', 'zz'), 400],
  ])('that %s are answered in the envelope, and the connection is closed', async (_, bytes, status) => {
    const answer = await rawBytes(stack.url, Buffer.from(bytes, 'latin1'));
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    const [, body] = answer.split('\r\n\r\n');
    expect(JSON.parse(body!)).toEqual({ error: { code: expect.any(String), message: expect.any(String) } });
  });
});

describe('the page’s own endpoints', () => {
  it('refuse what no page would send, and stay in their envelope', async () => {
    const actions = ['start', 'finish', 'refuse'] as const;
    const bodies = HOSTILE_BODIES.filter(([name]) => !['__proto__', 'only white space'].includes(name)).map(
      ([, body]) => body,
    );
    bodies.push('{"provider":"x"}', '{"attempt_id":"\\u0000","token":"x"}', '{"attempt_id":"unknown0","token":"x"}');
    bodies.push('{"attempt_id":{},"token":[]}', `{"attempt_id":"unknown0","token":"${'x'.repeat(2_001)}"}`);
    bodies.push('{"provider":"teller","attempt_id":"a","token":"","code":1,"message":2}');
    const hostile = actions.flatMap((action) => bodies.map((body) => ({ action, body })));
    await leavesNothing(async () => {
      const found: string[] = [];
      for (const { action, body } of hostile) {
        if (action === 'start' && String(body).includes('"teller"')) continue;
        const path = new URL(known.visit.base).pathname;
        const headers = { cookie: known.visit.cookie, 'x-latchkey-page': '1' };
        const wrong = complaint(await send({ method: 'POST', path: `${path}/${action}`, headers, body }), { path });
        if (wrong) found.push(`${action} ${String(body).slice(0, 80)}: ${wrong}`);
      }
      return found;
    });
  });

  it('let no text into the timeline that stops it', async () => {
    for (const message of ['a\0b', '\ud800', `${'x'.repeat(299)}\u{1F4A9}`, '\u202e<script>alert(1)</script>']) {
      const { attempt_id } = (await known.visit.post('start', { provider: 'plaid' })).body as Started;
      expect((await known.visit.post('refuse', { attempt_id, code: 'X\0', message })).status).toBe(200);
    }
    const timeline = () => api.get(`/api/v1/connections/link/${known.session}/timeline`);
    const refused = (body: { entries: { type: string }[] }) =>
      body.entries.filter(({ type }) => type === 'AttemptRefused');
    await until(timeline, ({ body }) => refused(body as Parameters<typeof refused>[0]).length === 4);
  });
});

describe('whatever comes in', () => {
  const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', '\0', '__proto__', '\ud800', '{}', '0'));
  /** Halves of surrogate pairs have no place in a URL. */
  const inUrl = (text: string) => encodeURIComponent(Buffer.from(text).toString());
  const anyValue = fc.oneof(fc.jsonValue(), anyText, fc.double(), fc.constantFrom(1e21, -0, 2 ** 53));

  it(`is answered, never with a failure, in ${FUZZ_RUNS} random requests`, async () => {
    const anyRequest = fc.constantFrom(...routes).chain((route) =>
      fc.record({
        route: fc.constant(route),
        id: fc.oneof(anyText, fc.constantFrom(UNKNOWN, known.user, known.session)),
        query: fc.dictionary(fc.oneof(anyText, fc.constantFrom('limit', ...route.query)), anyText, { maxKeys: 3 }),
        body: fc.dictionary(
          fc.oneof(anyText, fc.constantFrom('name', ...Object.keys(route.body?.fields ?? {}))),
          anyValue,
          {
            maxKeys: 6,
          },
        ),
      }),
    );
    await fc.assert(
      fc.asyncProperty(anyRequest, async ({ route, id, query, body }) => {
        const pairs = Object.entries(query).map(([name, value]) => `${inUrl(name)}=${inUrl(value)}`);
        const path = `${filled(route.path, inUrl(id))}?${pairs.join('&')}`;
        const answer = await send({ method: route.method, path, ...(route.body && { body: JSON.stringify(body) }) });
        expect(complaint(answer, route, { accepted: [200, 201, 202, 204] })).toBeNull();
      }),
      { numRuns: FUZZ_RUNS, interruptAfterTimeLimit: 30_000 },
    );
  });

  it('leaves the system as well as it was', async () => {
    const user_id = await newUser(api);
    const minted = await api.post('/api/v1/connections/link', { user_id });
    expect(minted.status).toBe(201);
    const seen = await api.get(`/api/v1/connections/link/${minted.body.id}`);
    expect([seen.status, seen.body.status]).toEqual([200, 'pending']);
    const { status, body } = await api.get('/health/ready');
    const views = Object.values(body.parts as Record<string, { views: { parked: number }[] }>).flatMap(
      (part) => part.views,
    );
    expect([status, views.filter(({ parked }) => parked > 0)]).toEqual([200, []]);
  });
});
