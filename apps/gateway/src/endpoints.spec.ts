import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { householdError, platformError } from '#contracts/api/errors.js';
import { agentSessionId, platformConnectionId } from '#contracts/ids.js';
import { adminKey, type Answer, startGateway, type TestGateway } from '../test/gateway.js';
import { answers } from '../test/answers.js';
import {
  agentSessionView,
  connectionView,
  keyView,
  projectView,
  serverEntry,
  sessionView,
  userView,
  viewReplay,
} from '../test/views.js';
import { RouteTable } from './route-table.js';

let gateway: TestGateway;
let routes: RouteTable;
let document: {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

interface Operation {
  operationId: string;
  summary: string;
  parameters: { in: string; name: string; description?: string; schema: object }[];
  requestBody?: object;
  responses: Record<string, { description: string; headers?: object; content?: object }>;
  security: object[];
}

interface Schema {
  required: string[];
  properties: Record<string, { anyOf: object[] }>;
}

beforeAll(async () => {
  gateway = await startGateway({ SANDBOX: 'true' });
  Object.assign(gateway.bus.answers, answers);
  routes = gateway.app.get(RouteTable);
  document = (await gateway.call({ method: 'GET', url: '/openapi.json' })).json;
});
afterAll(() => gateway.app.close());

const ids: Record<string, string> = {
  '/api/v1/connections/link': sessionView.short_id,
  '/api/v1/connections': connectionView.short_id,
  '/api/v1/users': userView.short_id,
  '/api/v1/api-keys': keyView.short_id,
  '/api/v1/replays': viewReplay.id,
  '/api/v1/sandbox/connections': connectionView.short_id,
  '/v1/connections': platformConnectionId(connectionView.id),
  '/v1/api-keys': keyView.short_id,
  '/v1/projects': projectView.id,
  '/v1/servers': serverEntry.id,
  '/v1/sessions': agentSessionId(agentSessionView.id),
  '/v1/providers': serverEntry.id,
};

const bodies: Record<string, object> = {
  '/api/v1/connections/link': { user_id: userView.id },
  '/api/v1/users': { name: 'Ada', email: 'ada@example.com' },
  '/api/v1/users/:id': { name: 'Ada L.' },
  '/api/v1/api-keys': { name: 'Home' },
  '/api/v1/api-keys/:id': { name: 'Kitchen' },
  '/api/v1/erasures': { subject: userView.id },
  '/v1/connections': { server_id: 'z-api', secret: { instance_id: 'a', instance_token: 'b' } },
  '/v1/connections/start': { server_id: 'mercadopago', user_id: 'u1', redirect_uri: 'https://app.example/done' },
  '/v1/connect/start': { server_id: 'mercadopago', user_id: 'u1', redirect_uri: 'https://app.example/done' },
  '/v1/connections/hmac-validate': { server_id: 'foxbit', secret: { access_key: 'a', secret: 'b' } },
  '/v1/connections/jwt-validate': { server_id: 'cdp', secret: { key_name: 'a', private_key: 'b' } },
  '/v1/connections/:id/metadata': { connection_metadata: { a: 1 } },
  '/v1/connections/:id/webhook-secret': { secret: 's' },
  '/v1/sessions': { servers: ['z-api'] },
  '/v1/projects': { name: 'Shop', slug: 'shop' },
  '/v1/projects/:id': { name: 'Web shop' },
  '/v1/projects/:id/redirect-origins': { origins: ['https://app.example'] },
  '/v1/api-keys': { name: 'Agent', scopes: ['connections:read'] },
};

/** The path with ids that exist. */
const urlOf = (path: string): string =>
  path
    .replace(/^(.*?)\/:id/, (_, before: string) => `${before}/${ids[before]}`)
    .replace(':server_id', 'plaid')
    .replace(':connection_id', connectionView.id);

const request = (method: 'GET' | 'HEAD', path: string): Promise<Answer> =>
  gateway.call({
    method,
    url: urlOf(path),
    headers: {
      authorization: `Bearer ${adminKey}`,
      'content-type': 'application/json',
      'x-request-id': path.startsWith('/v1/') ? 'platform' : 'household',
    },
    ...(bodies[path] && method !== 'GET' && method !== 'HEAD' && { payload: bodies[path] }),
  });

/** Exactly the promised fields: a schema lets unknown ones fall away, so nothing may be missing after it. */
const fits = (schema: z.ZodType, value: unknown): void => expect(schema.parse(value)).toEqual(value);

describe('every endpoint', () => {
  it('answers with the status and the object it has promised', async () => {
    for (const { method, path, reply, isStream } of routes.endpoints) {
      const { status, json, text } = await request(method as 'GET', path);
      expect([method, path, Object.keys(reply)]).toEqual([method, path, expect.arrayContaining([String(status)])]);
      const schema = reply[status as 200];
      if (schema) fits(schema, json);
      else expect(text === '').toBe(!isStream);
    }
  });

  it('answers HEAD at once, also where GET goes on for ever', async () => {
    gateway.bus.answers['link-session.changes'] = () => ({ changes: [], ended: false });
    gateway.bus.answers['audit.changes'] = () => ({ entries: [], position: '7' });
    for (const { path } of routes.endpoints.filter(({ isStream }) => isStream === true)) {
      const { status, headers, text } = await request('HEAD', path);
      expect([path, status, text]).toEqual([path, 200, '']);
      expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    }
    Object.assign(gateway.bus.answers, answers);
  });

  it('refuses in the envelope of its surface when no service answers', async () => {
    gateway.bus.answers = { 'key.verify': gateway.bus.answers['key.verify']! };
    for (const { method, path } of routes.endpoints.filter(({ path }) => !path.startsWith('/health'))) {
      const { status, json } = await request(method as 'GET', path);
      expect([method, path, status]).toEqual([method, path, 503]);
      fits(path.startsWith('/v1/') ? platformError : householdError, json);
    }
    Object.assign(gateway.bus.answers, answers);
  });

  it('asks for a key, unless it is a delivery or about health', async () => {
    for (const { method, path } of routes.endpoints) {
      const { status } = await gateway.call({
        method: method,
        url: urlOf(path),
        headers: { 'x-api-key': '' },
      });
      const isPublic = /^\/(health|v1\/webhooks)\//.test(path);
      expect([method, path, status === 401]).toEqual([method, path, !isPublic]);
    }
  });
});

describe('the filters of a list', () => {
  const [user, bank] = [userView, connectionView];
  const moments = 'created_after=2026-01-01T01:00:00%2B01:00&created_before=2026-02-01T00:00:00Z';
  const times = { created_after: '2026-01-01T00:00:00.000Z', created_before: '2026-02-01T00:00:00.000Z' };

  it.each([
    [
      `connections/link?status=expired&limit=7&user_id=${user.short_id}`,
      'link-session.list',
      { status: 'expired', limit: 7, user_id: user.id },
    ],
    [
      `connections/link?connection_id=${bank.short_id}&${moments}`,
      'link-session.list',
      { connection_id: bank.id, ...times },
    ],
    [
      `connections?status=active&limit=7&user_id=${user.short_id}`,
      'connection.list',
      { status: 'active', limit: 7, user_id: user.id },
    ],
  ] as const)('reach who keeps it: %s', async (list, subject, filter) => {
    expect((await gateway.call({ method: 'GET', url: `/api/v1/${list}` })).status).toBe(200);
    expect(gateway.bus.asked.findLast((asked) => asked.subject === subject)?.ask).toMatchObject(filter);
  });

  it('are refused in brackets, which would let everything through', async () => {
    const { status, json } = await gateway.call({ method: 'GET', url: '/api/v1/connections/link?status[]=failed' });
    expect([status, json.error.message]).toEqual([400, 'status must be given once, without []']);
    expect((await gateway.call({ method: 'GET', url: '/api/v1/connections/link?other[]=x' })).status).toBe(200);
  });
});

describe('the OpenAPI document', () => {
  it('holds exactly the endpoints that exist', () => {
    const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
    );
    const declared = routes.endpoints.map(({ method, path }) => `${method} ${path}`);
    expect(documented.sort()).toEqual(declared.sort());
    const served = [...routes.methods].flatMap(([url, methods]) => methods.map((method) => `${method} ${url}`));
    // Where a provider sends browsers back to is a page.
    const ofTheApi = served.filter((route) => /^(?!HEAD)\w+ \/(api|v1(?!\/connect\/callback)|health)\//.test(route));
    expect(ofTheApi.sort()).toEqual(declared);
  });

  it('is 3.1, and every reference in it leads somewhere', () => {
    expect(document.openapi).toBe('3.1.0');
    const references = JSON.stringify(document).match(/"\$ref":"[^"]+"/g) ?? [];
    expect(references.length).toBeGreaterThan(50);
    for (const reference of references) {
      const [, name] = /#\/components\/schemas\/(\w+)"/.exec(reference) ?? [];
      expect(Object.keys(document.components.schemas)).toContain(name);
    }
  });

  it('names no format but those that everybody knows', () => {
    const formats = JSON.stringify(document).match(/(?<="format":")[^"]+/g);
    expect([...new Set(formats)].sort()).toEqual(['date-time', 'email', 'uri', 'uuid']);
  });

  it('names each operation once and each path parameter where it stands', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, ...operation })),
    );
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { path, parameters } of operations) {
      const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`);
      expect(path.match(/\{\w+\}/g) ?? []).toEqual(named);
    }
  });

  it('says of the mint what the specification says', () => {
    const mint = document.components.schemas['MintLinkSession']!;
    const oneOf = (field: string) => mint.properties[field]!.anyOf[0];
    expect(mint.required).toEqual(['user_id']);
    expect(oneOf('provider')).toMatchObject({ enum: ['', 'plaid', 'teller'] });
    expect(oneOf('expires_in_seconds')).toMatchObject({ type: 'integer', minimum: 0, maximum: 3600 });
    expect(oneOf('label')).toMatchObject({ type: 'string', maxLength: 200 });
    const defaults = Object.values(mint.properties).map((field) => (field as { default?: unknown }).default);
    expect(defaults).toEqual([undefined, '', false, '', 900, '']);
    const session = document.components.schemas['LinkSession']!;
    const optional = Object.keys(session.properties).filter((field) => !session.required.includes(field));
    expect(optional).toEqual(['connection_id', 'error_code', 'error_message']);
    const { responses, security } = document.paths['/api/v1/connections/link']!['post']!;
    expect(Object.keys(responses)).toEqual(['201', '400', '401', '403', '404', '409', '413', '429', '500', '503']);
    expect(security).toEqual([{ ApiKey: ['full_access'] }, { Bearer: ['full_access'] }]);
  });

  it('says of an id what it looks like', () => {
    const meant = (path: string) => Object.values(document.paths[path]!)[0]!.parameters[0]!.description;
    expect(meant('/api/v1/connections/{id}')).toBe('UUID or 8-character short_id.');
    expect(meant('/v1/api-keys/{id}')).toBe('UUID or 8-character short_id.');
    expect(meant('/api/v1/replays/{id}')).toBe('UUID.');
    expect(meant('/v1/connections/{id}/metadata')).toBe('The `conn_` id.');
    expect(meant('/v1/sessions/{id}/close')).toBe('The `ses_` id.');
    expect(meant('/v1/projects/{id}')).toBe('The `prj_` id, or the slug.');
    expect(meant('/v1/providers/{id}')).toBe('The id in the catalog.');
  });

  it('says of every write that others may come in between, and of nothing else', () => {
    const isWrite = (method: string, path: string) => method !== 'get' && !path.endsWith('-validate');
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { responses }] of Object.entries(methods)) {
        const says = /`conflict`/i.test(responses['409']?.description ?? '');
        expect([method, path, says]).toEqual([method, path, isWrite(method, path)]);
      }
    }
    const { responses } = document.paths['/api/v1/connections/{id}']!['delete']!;
    expect(responses['503']!.description).toBe('`UNAVAILABLE`, `VAULT_UNAVAILABLE`, `REVOKE_FAILED`');
  });

  it('says of every moment in the past that it may be none', () => {
    const asked = Object.entries(document.paths).flatMap(([path, { get }]) => {
      if (!get?.parameters.some(({ name }) => name === 'as_of')) return [];
      return [[path, /`(INVALID_PARAMETER|invalid_query)`/.test(get.responses['400']?.description ?? '')]];
    });
    expect(asked.length).toBeGreaterThan(6);
    expect(asked.filter(([, says]) => !says)).toEqual([]);
  });

  it('says what a query leaves out', () => {
    const saying = (path: string, name: string) =>
      document.paths[path]!['get']!.parameters.find((parameter) => parameter.name === name)!.schema;
    expect(saying('/api/v1/users', 'limit')).toMatchObject({ type: 'integer', maximum: 200, default: 50 });
    expect(saying('/v1/projects', 'limit')).toMatchObject({ default: 100 });
    expect(saying('/v1/audit/export', 'format')).toMatchObject({ default: 'ndjson' });
    expect(saying('/api/v1/users/{id}', 'as_of')).toMatchObject({ examples: ['2026-11-07T05:31:56.000Z', '4711'] });
  });

  it('says which headers are listened to, and which answer them', () => {
    const headersOf = ({ parameters }: Operation) =>
      parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
    const key = document.paths['/v1/api-keys']!['post']!;
    expect(headersOf(key)).toEqual(['x-codespar-project', 'Idempotency-Key']);
    const name = key.parameters.find((parameter) => parameter.name === 'Idempotency-Key');
    expect(name?.schema).toEqual({ type: 'string', minLength: 1, maxLength: 255 });
    expect(key.responses['409']!.description).toBe('`idempotency_conflict`, `idempotency_in_flight`, `conflict`');
    expect(key.responses['201']!.headers).toHaveProperty('Idempotency-Replayed');
    expect(key.responses['429']!.headers).toHaveProperty('Retry-After');
    expect(key.responses['400']!.headers).not.toHaveProperty('Retry-After');
    for (const [status, { headers }] of Object.entries(key.responses)) {
      expect([status, 'X-RateLimit-Limit' in headers!]).toEqual([status, status !== '401']);
      expect([status, 'WWW-Authenticate' in headers!]).toEqual([status, status === '401']);
    }
    const file = document.paths['/api/v1/audit/export']!['get']!.responses['200']!;
    expect(Object.keys(file.headers!)).toEqual(
      expect.arrayContaining(['X-Export-Entries', 'X-Export-Exact', 'Content-Disposition']),
    );
    expect(headersOf(document.paths['/v1/audit/stream']!['get']!)).toEqual(['Last-Event-ID']);
    expect(headersOf(document.paths['/v1/webhooks/{server_id}/{connection_id}']!['post']!)).toEqual([]);
  });

  it('says what a delivery of a provider brings, and that an ended stream brings nothing', () => {
    for (const path of ['/v1/webhooks/{server_id}', '/v1/webhooks/{server_id}/{connection_id}'])
      expect(document.paths[path]!['post']!.requestBody).toEqual({
        required: true,
        content: { '*/*': { schema: {} } },
      });
    const { responses } = document.paths['/api/v1/connections/link/{id}/events']!['get']!;
    expect(Object.keys(responses['200']!.content!)).toEqual(['text/event-stream']);
    expect(responses['204']!.content).toBeUndefined();
  });

  it('says of a text in a body that it must not be empty', () => {
    const { CreateAgentSession, CredentialCheck, Erase, MintLinkSession, StartConnectLink } =
      document.components.schemas;
    const filled = [
      CreateAgentSession!.properties['user_id']!.anyOf[0],
      CredentialCheck!.properties['server_id'],
      Erase!.properties['subject'],
      MintLinkSession!.properties['user_id'],
      StartConnectLink!.properties['user_id'],
    ];
    expect(filled).toEqual(filled.map(() => expect.objectContaining({ minLength: 1 })));
  });

  it('says what a refusal on /v1 may bring beside its code', () => {
    const { properties } = document.components.schemas['PlatformError']!;
    const error = properties['error'] as unknown as { properties: { details: Schema } };
    expect(properties).toHaveProperty('unknown');
    expect(Object.keys(error.properties.details.properties)).toEqual(
      expect.arrayContaining(['issues', 'missing', 'extra', 'unknown', 'retry_after', 'allow']),
    );
  });

  it('says of an older name that it is one', () => {
    const summaries = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.values(methods).map(({ summary }) => [path, summary]),
    );
    const older = summaries.filter(([, summary]) => summary!.startsWith('Older name of ')).map(([path]) => path);
    const documented = Object.keys(document.paths).filter((path) => /^\/v1\/(providers|connect\/)/.test(path));
    expect(older.sort()).toEqual(documented.sort());
  });

  it('says of a reply what is always there, and of a body what has to be', () => {
    const { Server, MintLinkSession } = document.components.schemas;
    expect(Server!.required).toEqual(Object.keys(Server!.properties));
    expect(MintLinkSession!.required).toEqual(['user_id']);
    expect(JSON.stringify(document.components)).not.toContain('"additionalProperties":false');
  });

  it('is readable as a page that loads and runs nothing', async () => {
    const { status, headers, text } = await gateway.call({ method: 'GET', url: '/docs' });
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+';/);
    expect(text).toContain('/api/v1/connections/{id}/relink');
    expect(text).toContain('<td>boolean or null, default <code>false</code></td>');
    expect(text).toContain('<td>integer, 0 to 3600 or null, default <code>900</code></td>');
    expect(text).not.toMatch(/9007199254740991|boolean,null/);
    expect(text).not.toMatch(/<script|src=|https?:|undefined|\[object/);
  });
});
