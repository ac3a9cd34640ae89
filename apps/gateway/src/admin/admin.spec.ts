import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { defaultTenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { SignedInOperator } from '#contracts/operator.js';
import { hashSecret, newToken } from '#contracts/secrets.js';
import { services } from '#contracts/services.js';
import {
  auditEntry,
  connectionView,
  projectView,
  serverEntry,
  sessionView,
  usedKey,
  userView,
} from '../../test/views.js';
import { startGateway, type TestGateway } from '../../test/gateway.js';
import { RouteTable } from '../route-table.js';
import { csrfOf } from './cookies.js';
import { placeToGo } from './forms.js';
import { Passwords } from './passwords.js';
import { placeOf } from './places.js';

const origin = 'http://localhost:8080';
const shown_for = placeOf(defaultTenant);
const right = 'correct horse battery';
const recipe = { salt: 'c2FsdHNhbHRzYWx0c2FsdA', memory_kib: 64, passes: 1, lanes: 1 };
const people: Record<string, SignedInOperator> = {
  'ada@example.com': { id: '11111111-1111-4111-8111-111111111111', email: 'ada@example.com', role: 'administrator' },
  'bob@example.com': { id: '22222222-2222-4222-8222-222222222222', email: 'bob@example.com', role: 'viewer' },
};

let common: TestGateway;
let gateway: TestGateway;
let sessions: Map<string, SignedInOperator>;
let rightProof: string;

beforeAll(async () => {
  rightProof = await new Passwords().proof(right, recipe);
  common = await startGateway({ SIGN_IN_LIMIT_RPM: '1000000' });
});
beforeEach(() => {
  gateway = common;
  gateway.bus.asked.length = 0;
  sessions = new Map();
  answer();
});
afterAll(() => common.app.close());

/** A gateway of its own, with limits that nobody else has used up. */
async function another(env: Parameters<typeof startGateway>[0]): Promise<void> {
  gateway = await startGateway(env);
  answer();
}

function answer(): void {
  Object.assign(gateway.bus.answers, {
    'key.operator.setup-open': () => ({ open: false }),
    'key.operator.recipe': () => recipe,
    'key.operator.sign-in': ({ email, proof, token_hash }: Record<string, string>) => {
      const operator = people[email!];
      if (!operator || proof !== rightProof) throw new DomainError('SIGN_IN_REFUSED');
      sessions.set(token_hash!, operator);
      return operator;
    },
    'key.operator.session': ({ token_hash }: { token_hash: string }) => sessions.get(token_hash) ?? null,
    'key.operator.sign-out': ({ token_hash }: { token_hash: string }) => (sessions.delete(token_hash), {}),
    'key.list': () => ({ items: [], next_cursor: null }),
    'key.project.list': () => ({ items: [], next_cursor: null }),
  });
}

interface Sent {
  cookie?: string;
  headers?: Record<string, string>;
  address?: string;
}

async function send(method: 'GET' | 'POST', url: string, fields: Record<string, string>, sent: Sent = {}) {
  const { cookie, headers, address = '192.0.2.1' } = sent;
  const answer = await gateway.app.inject({
    method,
    url,
    remoteAddress: address,
    headers: {
      host: 'localhost:8080',
      ...(cookie && { cookie }),
      ...(method === 'POST' && { 'content-type': 'application/x-www-form-urlencoded', origin }),
      ...headers,
    },
    ...(method === 'POST' && { payload: new URLSearchParams({ shown_for, ...fields }).toString() }),
  });
  const cookies = [answer.headers['set-cookie'] ?? []].flat();
  return { status: answer.statusCode, headers: answer.headers, text: answer.payload, cookies };
}
const get = (url: string, sent?: Sent) => send('GET', url, {}, sent);

const form = newToken();
/** A sign-in as the form sends it. */
const signIn = (email: string, password: string, sent: Sent = {}) =>
  send('POST', '/admin/sign-in', { csrf: csrfOf(form), email, password }, { cookie: `lk_form=${form}`, ...sent });

const tokenIn = (cookies: string[]) =>
  /^lk_admin=([\w-]{43});/.exec(cookies.find((one) => one.startsWith('lk_admin='))!)![1]!;
async function enter(email = 'ada@example.com') {
  const token = tokenIn((await signIn(email, right)).cookies);
  return { token, cookie: `lk_admin=${token}`, csrf: csrfOf(token) };
}

describe('a sign-in', () => {
  it('opens a session in a cookie that no script and no other site can use', async () => {
    const { status, headers, cookies } = await signIn('Ada@example.com ', right);
    expect([status, headers['location']]).toEqual([303, '/admin']);
    expect(cookies).toEqual([
      expect.stringMatching(/^lk_admin=[\w-]{43}; Max-Age=43200; Path=\/admin; HttpOnly; SameSite=Lax$/),
    ]);
    expect(JSON.stringify(gateway.bus.asked)).not.toContain(right);
    expect(JSON.stringify(gateway.bus.asked)).not.toContain(tokenIn(cookies));
  });

  it('asks for encryption where people reach us encrypted', async () => {
    await another({ PUBLIC_BASE_URL: 'https://latchkey.example' });
    const { cookies, headers } = await get('/admin/sign-in', { headers: { host: 'latchkey.example' } });
    expect(cookies).toEqual([expect.stringMatching(/^lk_form=.*; HttpOnly; Secure; SameSite=Lax$/)]);
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['cache-control']).toBe('no-store');
  });

  it('gives a new session, whatever the browser brought along, and ends the one it had', async () => {
    const planted = newToken();
    const first = await signIn('ada@example.com', right, { cookie: `lk_form=${form}; lk_admin=${planted}` });
    expect(tokenIn(first.cookies)).not.toBe(planted);
    expect((await get('/admin/settings/api-keys', { cookie: `lk_admin=${planted}` })).status).toBe(303);
    const before = tokenIn(first.cookies);
    await signIn('ada@example.com', right, { cookie: `lk_form=${form}; lk_admin=${before}` });
    expect((await get('/admin/settings/api-keys', { cookie: `lk_admin=${before}` })).status).toBe(303);
  });

  it('answers a wrong password and somebody unknown alike', async () => {
    const [wrong, unknown] = [
      await signIn('ada@example.com', 'not the password'),
      await signIn('eve@example.com', right),
    ];
    expect([wrong.status, unknown.status]).toEqual([401, 401]);
    expect(unknown.text.replace('eve@', 'ada@')).toBe(wrong.text);
    expect(wrong.text).toContain('The e-mail address or the password is not right.');
    expect(wrong.cookies.join()).not.toContain('lk_admin');
  });

  it('is limited per address, before anybody is asked', async () => {
    await another({ SIGN_IN_LIMIT_RPM: '5' });
    for (let i = 0; i < 5; i++) await signIn(`person${i}@example.com`, 'wrong password');
    const asked = gateway.bus.count('key.operator.sign-in');
    const limited = await signIn('ada@example.com', right);
    expect([limited.status, gateway.bus.count('key.operator.sign-in')]).toEqual([429, asked]);
    expect((await signIn('ada@example.com', right, { address: '192.0.2.7' })).status).toBe(303);
  });

  it('is limited per account, from however many addresses', async () => {
    await another({ SIGN_IN_LIMIT_RPM: '5' });
    for (let i = 0; i < 5; i++) await signIn('bob@example.com', 'wrong password', { address: `198.51.100.${i}` });
    expect((await signIn('bob@example.com', right, { address: '203.0.113.9' })).status).toBe(429);
    expect((await signIn('ada@example.com', right, { address: '203.0.113.9' })).status).toBe(303);
  });

  it('does not count what was right, nor what nobody could tell', async () => {
    await another({ SIGN_IN_LIMIT_RPM: '5' });
    for (let i = 0; i < 8; i++) expect((await signIn('ada@example.com', right)).status).toBe(303);
    delete gateway.bus.answers['key.operator.recipe'];
    for (let i = 0; i < 8; i++) expect((await signIn('ada@example.com', right)).status).toBe(503);
  });

  it('goes nowhere but into the dashboard', () => {
    expect(placeToGo('/admin/sessions?status=active')).toBe('/admin/sessions?status=active');
    for (const wish of [
      'https://evil.example',
      '//evil.example',
      '/admin//evil',
      '/admin/../link/x',
      '/admin\\evil',
      '/adminx',
      '/api/v1',
      '',
    ]) {
      expect(placeToGo(wish)).toBe('/admin');
    }
  });
});

describe('a form of the dashboard', () => {
  const forged: [string, { csrf?: string; headers?: Record<string, string> }][] = [
    ['without its token', { csrf: '' }],
    ['with another token', { csrf: csrfOf(newToken()) }],
    ['from another site', { headers: { origin: 'https://evil.example' } }],
    ['from a page that hides where it is', { headers: { origin: 'null' } }],
    ['that the browser knows to come from another site', { headers: { 'sec-fetch-site': 'cross-site' } }],
  ];

  it.each(forged)('%s does nothing', async (_, { csrf, headers }) => {
    const session = await enter();
    const fields = { csrf: csrf ?? session.csrf, name: 'x', scope: 'read_only', expires_in_days: '' };
    const sent = { cookie: session.cookie, ...(headers && { headers }) };
    expect((await send('POST', '/admin/settings/api-keys', fields, sent)).status).toBe(403);
    expect((await send('POST', '/admin/account/sign-out', { csrf: fields.csrf }, sent)).status).toBe(403);
    expect(gateway.bus.count('key.create')).toBe(0);
    expect(sessions.size).toBe(1);
  });

  it.each(forged)('%s signs nobody in either', async (_, { csrf, headers }) => {
    const fields = { csrf: csrf ?? csrfOf(form), email: 'ada@example.com', password: right };
    const sent = { cookie: `lk_form=${form}`, ...(headers && { headers }) };
    expect((await send('POST', '/admin/sign-in', fields, sent)).status).toBe(403);
    expect(gateway.bus.count('key.operator.sign-in')).toBe(0);
  });
});

describe('a page of the dashboard', () => {
  it('sends whoever is not signed in to the sign-in, and back', async () => {
    const { status, headers } = await get('/admin/settings/api-keys?cursor=abc');
    expect([status, headers['location']]).toEqual([
      303,
      '/admin/sign-in?next=%2Fadmin%2Fsettings%2Fapi-keys%3Fcursor%3Dabc',
    ]);
    const unasked = await get('/admin/settings/api-keys', { headers: { 'x-latchkey-background': '1' } });
    expect(unasked.status).toBe(401);
  });

  it('lets a viewer look and refuses every change', async () => {
    const { cookie, csrf } = await enter('bob@example.com');
    const { status, text } = await get('/admin/settings/api-keys', { cookie });
    expect(status).toBe(200);
    expect(text).not.toContain('Create key');
    const changes = [...gateway.app.get(RouteTable).methods].filter(
      ([path, methods]) => path.startsWith('/admin/') && methods.includes('POST'),
    );
    expect(changes.length).toBeGreaterThan(8);
    for (const [path] of changes) {
      if (/sign-in|setup|welcome|account|projects\/show/.test(path)) continue;
      const url = path.replace(':id', '33333333-3333-4333-8333-333333333333');
      const { status, text } = await send('POST', url, { csrf }, { cookie });
      expect([path, status, text.includes('Changes are for administrators.')]).toEqual([path, 403, true]);
    }
  });

  it('is gone once the session is', async () => {
    const { cookie, csrf } = await enter();
    expect((await get('/admin/settings/api-keys', { cookie })).status).toBe(200);
    const { headers, cookies } = await send('POST', '/admin/account/sign-out', { csrf }, { cookie });
    expect(headers['location']).toBe('/admin/sign-in?done=signed-out');
    expect(cookies).toEqual([expect.stringContaining('lk_admin=; Max-Age=0')]);
    expect((await get('/admin/settings/api-keys', { cookie })).status).toBe(303);
  });

  it('says as a page what is not there, and that a part is away', async () => {
    const { cookie } = await enter();
    expect((await get('/admin/nowhere', { cookie })).text).toContain('The dashboard has no such page.');
    delete gateway.bus.answers['key.list'];
    const away = await get('/admin/settings/api-keys', { cookie });
    expect([away.status, away.headers['retry-after']]).toEqual([503, '1']);
    expect(away.text).toContain('<h1>');
    expect(away.text).toContain('href="/admin/settings/api-keys">Try again</a>');
  });

  it.each([
    ['/admin/sessions', 'Not opened yet'],
    ['/admin/connections', 'Works'],
    ['/admin/timeline?type=SessionMinted&from=2026-01-01T12:00', 'Export what the filters choose'],
    ['/admin/timeline/moment?at=1767268800000', 'A moment in time'],
    ['/admin/settings/projects', 'Projects'],
    ['/admin/settings/providers', 'Configured'],
    ['/admin/settings/system', 'Every part is there'],
    ['/admin/account', 'Your account'],
    [`/admin/sessions/${sessionView.id}`, 'What happened'],
    [`/admin/connections/${connectionView.id}`, 'What happened'],
  ])('%s shows what the services say', async (url, words) => {
    const { cookie } = await enter();
    const health = () => ({ status: 'up', views: [{ name: 'v', lag_ms: 0, parked: 0 }], parts: { bus: 'up' } });
    Object.assign(gateway.bus.answers, {
      'link-session.list': () => ({ items: [sessionView], next_cursor: 'more' }),
      'link-session.get': () => sessionView,
      'connection.platform.list': () => ({ items: [connectionView], next_cursor: 'more' }),
      'connection.platform.get': () => connectionView,
      'connection.user.list': () => ({ items: [userView], next_cursor: null }),
      'connection.providers': () => ['plaid'],
      'connection.servers': () => [serverEntry],
      'key.project.list': () => ({ items: [projectView], next_cursor: null }),
      'key.get': () => usedKey,
      'audit.list': () => ({ items: [auditEntry], next_cursor: 'more' }),
      ...{ 'key.health': health, 'connection.health': health, 'link-session.health': health, 'audit.health': health },
    });
    const { status, text } = await get(url, { cookie });
    const written = text.replaceAll(/[\w-]{43}/g, 'a token, in which any letters may stand');
    expect([status, written.match(/undefined|\[object|NaN/)]).toEqual([200, null]);
    expect(text).toContain(words);
  });

  it('opens the invitation again, with what was typed, when it was refused', async () => {
    const { cookie, csrf } = await enter();
    gateway.bus.answers['key.operator.list'] = () => [];
    const { status, text } = await send(
      'POST',
      '/admin/settings/operators',
      { csrf, email: 'bob', role: 'viewer' },
      { cookie },
    );
    expect(status).toBe(400);
    expect(text).toMatch(/<dialog id="invite"[^>]*data-open-now>[^]*Email must be an e-mail address\.[^]*value="bob"/);
  });

  it('/admin/sessions makes a user of any name that the API takes', async () => {
    const { cookie, csrf } = await enter();
    const names: string[] = [];
    gateway.bus.answers['connection.user.create'] = ({ user }) => {
      names.push(user.name);
      throw new DomainError('UNAVAILABLE');
    };
    const form = { csrf, provider: '', user_name: 'x'.repeat(200), expires_in_seconds: '900' };
    await send('POST', '/admin/sessions', form, { cookie });
    expect(names).toEqual([form.user_name]);
  });

  it('/admin/sessions makes a new user once, also when the link could not be made', async () => {
    const { cookie, csrf } = await enter();
    Object.assign(gateway.bus.answers, {
      'link-session.list': () => ({ items: [], next_cursor: null }),
      'connection.user.list': () => ({ items: [userView], next_cursor: null }),
      'connection.providers': () => ['plaid'],
      'connection.user.create': () => ({ view: userView, position: '7' }),
      'link-session.mint': () => {
        throw new DomainError('UNAVAILABLE');
      },
    });
    const form = { csrf, user_id: '', user_name: 'Ada', provider: '', expires_in_seconds: '900' };
    const { status, text } = await send('POST', '/admin/sessions', form, { cookie });
    expect(status).toBe(503);
    expect(text).toContain(`<option value="${userView.id}" selected>Ada</option>`);
    expect(text).toMatch(/id="new-user" hidden[^]*name="user_name"[^>]*value=""/);
  });

  it.each([
    [
      '/admin/sessions',
      { provider: 'citi', user_name: 'Ada', expires_in_seconds: '900' },
      'Provider must be "plaid" or "teller".',
    ],
    [
      '/admin/sessions',
      { provider: '', user_name: 'Ada', expires_in_seconds: '1' },
      'Expiry must be one of 300, 900, 3600.',
    ],
    [
      '/admin/settings/api-keys',
      { name: 'Ada', scope: 'all', expires_in_days: '' },
      'Scope must be "read_only" or "full_access".',
    ],
    [`/admin/settings/api-keys/${usedKey.id}/rotate`, { grace_seconds: '5' }, 'must be one of 0, 3600, 86400, 604800'],
  ])('%s refuses %j in the words of the API', async (url, fields, words) => {
    const { cookie, csrf } = await enter();
    Object.assign(gateway.bus.answers, {
      'link-session.list': () => ({ items: [], next_cursor: null }),
      'connection.user.list': () => ({ items: [], next_cursor: null }),
      'connection.providers': () => ['plaid'],
    });
    const { status, text } = await send('POST', url, { csrf, ...fields }, { cookie });
    expect(status).toBe(400);
    expect(text.replace(/&quot;/g, '"')).toContain(words);
  });

  it('exports the timeline as the API does', async () => {
    const { cookie } = await enter();
    gateway.bus.answers['audit.export.begin'] = ({ filter }) => ({
      until: filter.type === 'KeyCreated' ? '9' : null,
      entries: 0,
      exact: true,
    });
    gateway.bus.answers['audit.export.page'] = () => ({ lines: [], next: null });
    const { text, headers } = await get('/admin/timeline/export?format=csv&type=KeyCreated', { cookie });
    expect(headers['content-disposition']).toContain('audit.csv');
    expect(text).toMatch(/^seq,position,/);
  });

  it('compares read models with their events, tells how far it is, and names what differs', async () => {
    const { cookie, csrf } = await enter();
    const view = {
      ...{ id: 'one', service: 'key', view: 'api_keys', verify: true, state: 'running', phase: 'comparing' },
      ...{ events: 1_200, events_per_second: 400, seconds_left: 1, parked: 0, error: null, finished_at: null },
      ...{ started_at: '2026-01-01T12:00:00.000Z', drift: null },
    };
    const row = { key: 'the-row', kind: 'changed', columns: ['name'] };
    const ended = { ...view, state: 'done', drift: { missing: 0, extra: 0, changed: 1, rows: [row] } };
    let shown = view as object;
    for (const service of services) {
      gateway.bus.answers[`${service}.replay.start`] = () => (service === 'key' ? [view] : []) as never;
      gateway.bus.answers[`${service}.replay.list`] = () => (service === 'key' ? [shown] : []) as never;
    }
    const url = '/admin/settings/system';
    expect((await send('POST', `${url}/replays`, { csrf, verify: 'yes' }, { cookie })).headers['location']).toBe(url);
    const asked = gateway.bus.asked.filter(({ subject }) => subject.endsWith('.replay.start'));
    expect(asked.map(({ ask }) => (ask as { verify: boolean }).verify)).toEqual([true, true, true, true]);
    expect((await get(url, { cookie })).text).toMatch(/Under way[^]*1,200[^]*400 a second, about 1 second left/);
    shown = ended;
    expect((await get(url, { cookie })).text).toMatch(/some rows did not say[^]*1 changed[^]*the-row[^]*\(name\)/);
  });

  it('that waits for news lets the gateway close', async () => {
    await another({});
    gateway.bus.answers['audit.list'] = () => ({ items: [auditEntry], next_cursor: null });
    const { cookie } = await enter();
    await gateway.app.listen(0, '127.0.0.1');
    const url = `${await gateway.app.getUrl()}/admin/changes?after=${auditEntry.position}`;
    const waiting = fetch(url, { headers: { cookie } });
    while (gateway.bus.count('audit.list') === 0) await new Promise(setImmediate);
    const since = Date.now();
    await gateway.app.close();
    expect(Date.now() - since).toBeLessThan(5_000);
    expect(await (await waiting).json()).toEqual({ newest: auditEntry.position });
  });

  it('offers to reconnect a bank, and says of a connection by OAuth that it takes a new Connect Link', async () => {
    const asks = { ...connectionView, state: 'needs_reauth' as const };
    const shop = { ...asks, server_id: 'shopify', auth_type: 'oauth' as const, provider: null, institution_name: null };
    const shown = async (connection: typeof asks | typeof shop) => {
      gateway.bus.answers['connection.platform.get'] = () => connection;
      return (await get(`/admin/connections/${asks.id}`, { cookie: (await enter()).cookie })).text;
    };
    const none = () => ({ items: [], next_cursor: null });
    Object.assign(gateway.bus.answers, {
      'connection.user.list': none,
      'audit.list': none,
      'connection.servers': () => [],
    });
    expect(await shown(asks)).toMatch(/Reconnect makes a link[^]*>Reconnect<[^]*removed at the provider/);
    const text = await shown(shop);
    expect(text).toMatch(/A new Connect Link is needed\.[^]*at the provider it stays valid/);
    expect(text).not.toMatch(/Reconnect|The bank asks|removed at the provider/);
  });

  it('prints names as text, never as markup', async () => {
    const key = {
      ...{ id: people['ada@example.com']!.id, short_id: 'abcdefgh', kind: 'household', key_prefix: 'bb_12345678' },
      ...{ name: '<img src=x onerror=alert(1)>', scopes: ['read_only'], created_by: '"><script>', allowed_ips: [] },
      ...{ created_at: '2026-01-01T12:00:00.000Z', expires_at: null, retires_at: null, revoked_at: null },
      ...{ successor_id: null, last_used_at: null, actor_name: null },
    };
    gateway.bus.answers['key.list'] = () => ({ items: [key], next_cursor: null }) as never;
    const { cookie } = await enter();
    const { text } = await get('/admin/settings/api-keys', { cookie });
    expect(text).toContain('&lt;img src=x');
    expect(text).not.toMatch(/<img|"><script>/);
  });

  it('lets no name turn around the words beside it, and keeps letters that are written from right to left', async () => {
    const summary = 'The user Ada\u202egnp\u2066 was created; so was עדה\u200f.';
    gateway.bus.answers['audit.list'] = () => ({ items: [{ ...auditEntry, summary }], next_cursor: null });
    const { text } = await get('/admin/timeline', { cookie: (await enter()).cookie });
    expect(text).toContain('The user Ada\uFFFDgnp\uFFFD was created; so was עדה\u200f.');
  });

  it('prints the sentences of the timeline with moments that people can read, and as text', async () => {
    const summary =
      'A link was made for <b>Ada</b>, valid until 2026-01-01T12:15:00.000Z, not 2026-99-01T12:15:00.000Z.';
    gateway.bus.answers['audit.list'] = () => ({ items: [{ ...auditEntry, summary }], next_cursor: null });
    const { cookie } = await enter();
    const { text } = await get('/admin/timeline', { cookie });
    expect(text).toContain(
      '&#60;b&#62;Ada&#60;/b&#62;, valid until <time datetime="2026-01-01T12:15:00.000Z">1 Jan 2026',
    );
    expect(text).toContain('not 2026-99-01T12:15:00.000Z.');
  });
});

describe('passwords', () => {
  it('are hashed two at a time, and a crowd is refused instead of kept waiting', async () => {
    const passwords = new Passwords();
    const all = await Promise.allSettled(Array.from({ length: 40 }, () => passwords.proof(right, recipe)));
    const refused = all.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(all.length - refused.length).toBe(22);
    expect(refused[0]!.reason).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await passwords.proof(right, recipe)).toBe(rightProof);
  });

  it('have a salt of their own each time, and the costs that OWASP advises', async () => {
    const [one, other] = [await new Passwords().make(right), await new Passwords().make(right)];
    expect(one.recipe.salt).not.toBe(other.recipe.salt);
    expect(one.recipe).toMatchObject({ memory_kib: 19_456, passes: 2, lanes: 1 });
    expect(hashSecret(one.proof)).not.toBe(hashSecret(other.proof));
  });
});
