import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import type { Ask } from '#contracts/subjects.js';
import { DomainError } from '#contracts/errors.js';
import { hashSecret } from '#contracts/secrets.js';
import { adminKey, readKey, startGateway, type TestGateway } from '../test/gateway.js';
import { RedirectOrigins } from './redirect-origins.js';
import { connectionView, projectView, sessionView, userView } from '../test/views.js';

let gateway: TestGateway;
let minted: Ask<'link-session.mint'>[] = [];

beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(() => gateway.app.close());
beforeEach(() => {
  minted = [];
  gateway.bus.answers['link-session.mint'] = (ask) => {
    minted.push(ask);
    return { view: { ...sessionView, ...ask.terms }, position: '7' };
  };
});

const mint = (body: unknown, headers: Record<string, string> = {}) =>
  gateway.call({
    method: 'POST',
    url: '/api/v1/connections/link',
    headers: { 'content-type': 'application/json', host: 'localhost:8080', ...headers },
    payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  });

const good = { user_id: userView.id };

describe('minting a link session', () => {
  it('answers 201 with the session, the token and the url', async () => {
    const { status, json, headers } = await mint(good);
    expect(status).toBe(201);
    expect(json).toEqual({
      token: expect.stringMatching(/^[\w-]{43}$/),
      url: `http://localhost:8080/link/${json.token}`,
      id: minted[0]!.terms.id,
      short_id: minted[0]!.terms.short_id,
      user_id: userView.id,
      provider: '',
      action: 'link',
      single_use: false,
      redirect_url: '',
      label: '',
      status: 'pending',
      result_connection_ids: [],
      expires_at: sessionView.expires_at,
      started_at: null,
      completed_at: null,
      created_at: sessionView.created_at,
    });
    expect(headers['cache-control']).toBe('no-store');
  });

  it('sends only the hash of the token over the bus', async () => {
    const { json } = await mint(good);
    expect(minted[0]!.terms.token_hash).toBe(hashSecret(json.token));
    expect(JSON.stringify(gateway.bus.asked)).not.toContain(json.token);
  });

  it.each([
    ['absent', undefined],
    ['null', null],
    ['0', 0],
  ])('takes 900 seconds when expires_in_seconds is %s', async (_, expires_in_seconds) => {
    await mint({ ...good, expires_in_seconds });
    expect(minted[0]!.ttl_seconds).toBe(900);
  });

  it('takes a short_id for the user, null for absent, and ignores unknown fields', async () => {
    const body = { user_id: userView.short_id, provider: null, label: null, redirect_url: null, action: 'relink' };
    expect((await mint({ ...body, single_use: null, connection_id: 'x' })).status).toBe(201);
    expect(minted[0]!.terms).toMatchObject({ user_id: userView.id, action: 'link', connection_id: null, provider: '' });
  });

  it('picks another token when the id that follows from it is taken', async () => {
    let first = true;
    gateway.bus.answers['link-session.mint'] = (ask) => {
      if (first) {
        first = false;
        throw new DomainError('ID_TAKEN');
      }
      return { view: { ...sessionView, ...ask.terms }, position: '7' };
    };
    expect((await mint(good)).status).toBe(201);
  });

  it('says CONFLICT, and never ID_TAKEN, when three tokens in a row are taken', async () => {
    gateway.bus.answers['link-session.mint'] = () => {
      throw new DomainError('ID_TAKEN');
    };
    expect((await mint(good)).json).toMatchObject({ error: { code: 'CONFLICT' } });
  });

  it('says what the service refused', async () => {
    gateway.bus.answers['link-session.mint'] = () => {
      throw new DomainError('NOT_FOUND', 'User not found');
    };
    const { status, json } = await mint(good);
    expect([status, json]).toEqual([404, { error: { code: 'NOT_FOUND', message: 'User not found' } }]);
  });

  it.each([
    ['{', 'INVALID_BODY', 'The request body is not valid JSON.'],
    ['', 'INVALID_BODY', 'A JSON body is required.'],
    ['[]', 'INVALID_BODY', 'The request body must be a JSON object.'],
    ['null', 'INVALID_BODY', 'The request body must be a JSON object.'],
    [Buffer.from([0x7b, 0xff, 0x7d]), 'INVALID_BODY', 'The request body is not valid UTF-8.'],
    ['{"user_id":"user0001","__proto__":{"label":"x"}}', 'INVALID_BODY', 'forbidden field'],
    ['{"user_id":"user0001","constructor":{"prototype":{}}}', 'INVALID_BODY', 'forbidden field'],
    [{ user_id: 5 }, 'INVALID_BODY', 'user_id must be a string'],
    [{ ...good, provider: 5 }, 'INVALID_BODY', 'provider must be a string'],
    [{ ...good, single_use: 'yes' }, 'INVALID_BODY', 'single_use must be true or false'],
    [{ ...good, redirect_url: {} }, 'INVALID_BODY', 'redirect_url must be a string'],
    [{ ...good, label: 5 }, 'INVALID_BODY', 'label must be a string'],
    [{ ...good, expires_in_seconds: '900' }, 'INVALID_BODY', 'expires_in_seconds must be an integer'],
    [{ ...good, expires_in_seconds: 1.5 }, 'INVALID_BODY', 'expires_in_seconds must be an integer'],
    ['{"user_id":"user0001","expires_in_seconds":1e400}', 'INVALID_BODY', 'a number that cannot be kept'],
    ['{"user_id":"user0001","more":[-12345678901234567890]}', 'INVALID_BODY', 'a number that cannot be kept'],
    ['{"user_id":"user0001","more":9007199254740993.0}', 'INVALID_BODY', 'a number that cannot be kept'],
    ['{"user_id":"user0001","more":12345678901234567890e0}', 'INVALID_BODY', 'a number that cannot be kept'],
    ['{"user_id":"user0001","more":1e-400}', 'INVALID_BODY', 'a number that cannot be kept'],
    // A wrong type anywhere is said before anything else that is wrong.
    [{ provider: 'citi', label: 5 }, 'INVALID_BODY', 'label must be a string'],
    [{}, 'VALIDATION_ERROR', 'user_id is required'],
    [{ user_id: null }, 'VALIDATION_ERROR', 'user_id is required'],
    [{ user_id: '  ' }, 'VALIDATION_ERROR', 'user_id is required'],
    [{ user_id: '', provider: 'citi' }, 'VALIDATION_ERROR', 'user_id is required'],
    [{ ...good, provider: 'citi' }, 'VALIDATION_ERROR', 'provider must be "plaid" or "teller"'],
    [{ ...good, redirect_url: 'ftp://x' }, 'VALIDATION_ERROR', 'redirect_url must be an absolute https URL'],
    [{ ...good, expires_in_seconds: 3601 }, 'VALIDATION_ERROR', 'expires_in_seconds must be between 0 and 3600'],
    [{ ...good, expires_in_seconds: -1 }, 'VALIDATION_ERROR', 'expires_in_seconds must be between 0 and 3600'],
    [{ ...good, expires_in_seconds: 1e300 }, 'VALIDATION_ERROR', 'expires_in_seconds must be between 0 and 3600'],
    [{ ...good, label: 'x'.repeat(201) }, 'VALIDATION_ERROR', 'label must be at most 200 characters'],
    [{ ...good, label: 'a\0b' }, 'VALIDATION_ERROR', 'label must not contain NUL'],
    ['{"user_id":"user0001","label":"\\ud800"}', 'VALIDATION_ERROR', 'label must not contain NUL or unpaired'],
    [{ user_id: 'nobody', label: 'x'.repeat(201) }, 'VALIDATION_ERROR', 'label must be at most 200 characters'],
    [{ ...good, label: 'x'.repeat(201), expires_in_seconds: 9999 }, 'VALIDATION_ERROR', 'expires_in_seconds must be'],
    [{ user_id: 'nobody' }, 'INVALID_PARAMETER', 'user_id must be a UUID or a short_id'],
  ])('refuses %j with %s: %s', async (body, code, message) => {
    const { status, json } = await mint(body);
    expect([status, json.error.code]).toEqual([400, code]);
    expect(json.error.message).toContain(message);
    expect(minted).toEqual([]);
  });

  it('passes over a byte order mark, and says what an encoded body has too much', async () => {
    expect((await mint(`\uFEFF${JSON.stringify(good)}`)).status).toBe(201);
    const { status, json } = await mint(gzipSync(JSON.stringify(good)), { 'content-encoding': 'gzip' });
    expect([status, json.error.code]).toEqual([400, 'INVALID_BODY']);
    expect(json.error.message).toBe('The request body is not valid UTF-8: it has to come without Content-Encoding.');
  });

  it('takes digits in text for text, and numbers that stay what they are', async () => {
    const label = '12345678901234567890 "\\" 1e400';
    expect((await mint({ ...good, label, more: [9007199254740991, 1e300, 0.12345678901234567] })).status).toBe(201);
    expect(minted).toMatchObject([{ terms: { label } }]);
    expect((await mint('{"user_id":"user0001","more":[0.0e5,-1.50E+300,9007199254740992.0e0]}')).status).toBe(201);
  });

  it('counts characters, not UTF-16 units', async () => {
    expect((await mint({ ...good, label: '🏦'.repeat(200) })).status).toBe(201);
    expect((await mint({ ...good, label: '🏦'.repeat(201) })).status).toBe(400);
  });

  it('refuses JSON that is nested deeper than 64 levels', async () => {
    const nested = (depth: number) => `{"user_id":"user0001","x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect((await mint(nested(63))).status).toBe(201);
    expect((await mint(nested(64))).json).toMatchObject({ error: { code: 'INVALID_BODY' } });
    expect((await mint(nested(20_000))).json).toMatchObject({ error: { code: 'INVALID_BODY' } });
  });

  it('looks at the key before the body, and at the scope before the body', async () => {
    expect((await mint('{', { 'x-api-key': '' })).status).toBe(401);
    expect((await mint('{', { 'x-api-key': readKey })).status).toBe(403);
    expect((await mint('x'.repeat(100_000), { 'x-api-key': readKey })).status).toBe(403);
  });

  it('answers 100 KB with 413 in the envelope', async () => {
    const { status, json } = await mint({ ...good, label: 'x'.repeat(100_000) });
    expect([status, json]).toEqual([
      413,
      { error: { code: 'PAYLOAD_TOO_LARGE', message: 'The request body is too large.' } },
    ]);
  });

  it('lets only hosts on the allow-list shape the url', async () => {
    const urlFor = async (host: string) => (await mint(good, { host })).json.url as string;
    expect(await urlFor('127.0.0.1:9999')).toMatch(/^http:\/\/127\.0\.0\.1:9999\/link\//);
    expect(await urlFor('[::1]:9999')).toMatch(/^http:\/\/\[::1\]:9999\/link\//);
    expect(await urlFor('evil.example')).toMatch(/^http:\/\/localhost:8080\/link\//);
    expect(await urlFor('localhost:1@evil.example')).toMatch(/^http:\/\/localhost:8080\/link\//);
    expect(await urlFor('localhost/evil')).toMatch(/^http:\/\/localhost:8080\/link\//);
    expect(await urlFor('localhost:99999')).toMatch(/^http:\/\/localhost:8080\/link\//);
    expect(await urlFor('localhost:')).toMatch(/^http:\/\/localhost:8080\/link\//);
  });
});

describe('with redirect origins and a public base', () => {
  let strict: TestGateway;
  beforeAll(async () => {
    strict = await startGateway({
      REDIRECT_ORIGINS: 'https://app.example, https://other.example:8443',
      PUBLIC_BASE_URL: 'https://links.example',
    });
    strict.bus.answers['link-session.mint'] = (ask) => ({ view: { ...sessionView, ...ask.terms }, position: '7' });
    strict.bus.answers['link-session.relink'] = (ask) => ({ view: { ...sessionView, ...ask.terms }, position: '7' });
  });
  beforeEach(() => void ofProject());
  afterAll(() => strict.app.close());
  const ofProject = (...redirect_origins: string[]) => {
    strict.app.get(RedirectOrigins).forget();
    strict.bus.answers['key.project.get'] = () => ({ ...projectView, redirect_origins });
  };
  const mintTo = (redirect_url: string) =>
    strict.call({ method: 'POST', url: '/api/v1/connections/link', payload: { ...good, redirect_url } });

  it('redirects only inside the origins', async () => {
    expect((await mintTo('https://app.example/done?x=1')).json.redirect_url).toBe('https://app.example/done?x=1');
    expect((await mintTo('https://other.example:8443/')).status).toBe(201);
    for (const outside of [
      'https://app.example.evil/',
      'https://app.example:444/',
      'https:/\\evil',
      'http://localhost/',
    ]) {
      expect((await mintTo(outside)).json.error.code).toBe('VALIDATION_ERROR');
    }
    expect((await mintTo('')).status).toBe(201);
  });

  it('names the field of a Connect Link that leads outside', async () => {
    const payload = { server_id: 'mercadopago', user_id: 'u1', redirect_uri: 'https://evil.example/' };
    const { json } = await strict.call({
      ...{ method: 'POST', url: '/v1/connections/start', payload },
      headers: { authorization: `Bearer ${adminKey}` },
    });
    const message = 'redirect_uri must be inside the allowed redirect origins';
    expect(json.error).toMatchObject({
      code: 'invalid_body',
      details: { issues: [{ field: 'redirect_uri', message }] },
    });
  });

  it('redirects only inside the origins of the project too, when it has some', async () => {
    ofProject('https://other.example:8443', 'https://elsewhere.example');
    const relinkTo = (redirect_url: string) =>
      strict.call({
        method: 'POST',
        url: `/api/v1/connections/${connectionView.id}/relink`,
        payload: { redirect_url },
      });
    for (const ask of [mintTo, relinkTo]) {
      expect((await ask('https://other.example:8443/done')).status).toBe(201);
      for (const outside of ['https://app.example/done', 'https://elsewhere.example/done']) {
        expect((await ask(outside)).json.error).toEqual({
          code: 'VALIDATION_ERROR',
          message: 'redirect_url must be inside the allowed redirect origins',
        });
      }
    }
  });

  it('asks for the origins of the project once for many sessions, and again after they were changed here', async () => {
    const asked = () => strict.bus.asked.filter(({ subject }) => subject === 'key.project.get').length;
    const before = asked();
    await Promise.all([mintTo('https://app.example/1'), mintTo('https://app.example/2')]);
    expect((await mintTo('https://app.example/3')).status).toBe(201);
    expect(asked() - before).toBe(1);
    const origins = ['https://other.example:8443'];
    strict.bus.answers['key.project.allow-redirects'] = () => {
      strict.bus.answers['key.project.get'] = () => ({ ...projectView, redirect_origins: origins });
      return { view: { ...projectView, redirect_origins: origins }, position: '8' };
    };
    const headers = { authorization: `Bearer ${adminKey}` };
    const url = `/v1/projects/${projectView.id}/redirect-origins`;
    expect((await strict.call({ method: 'PUT', url, headers, payload: { origins } })).status).toBe(200);
    expect((await mintTo('https://app.example/4')).json.error.code).toBe('VALIDATION_ERROR');
  });

  it('does not redirect anywhere while nobody can say where it may', async () => {
    strict.app.get(RedirectOrigins).forget();
    delete strict.bus.answers['key.project.get'];
    expect((await mintTo('https://app.example/done')).json.error.code).toBe('UNAVAILABLE');
    expect((await mintTo('')).status).toBe(201);
  });

  it('builds the url from the public base, and asks browsers to stay on https', async () => {
    const { json, headers } = await mintTo('');
    expect(json.url).toBe(`https://links.example/link/${json.token}`);
    expect(headers['strict-transport-security']).toBe('max-age=31536000');
  });
});

describe('without a public base, a link begins with', () => {
  const proxy = '10.0.0.7';
  const elsewhere = '192.0.2.1';
  const ofList = 'https://links.example';
  const own = 'http://localhost:8080';
  const host = (name: string) => ({ 'x-forwarded-host': name });
  const scheme = (name: string) => ({ 'x-forwarded-proto': name });

  let behind: TestGateway;
  beforeAll(async () => {
    behind = await startGateway({ TRUSTED_PROXIES: '10.0.0.0/8', ALLOWED_HOSTS: 'Links.example,127.0.0.1' });
    behind.bus.answers['link-session.mint'] = (ask) => ({ view: { ...sessionView, ...ask.terms }, position: '7' });
  });
  afterAll(() => behind.app.close());

  it.each([
    ['what a trusted proxy says', proxy, {}, ofList],
    ['what the nearest of several says', proxy, host('evil.example, links.example'), ofList],
    ['its port, too', proxy, host('links.example:8443'), `${ofList}:8443`],
    ['http where the proxy says so', proxy, scheme('http'), 'http://links.example'],
    ['the request’s own host where no proxy says another', elsewhere, {}, 'http://127.0.0.1:8080'],
    ['this process where a trusted proxy names a host off the list', proxy, host('evil.example'), own],
    ['http where a proxy passes on another scheme', proxy, scheme('javascript'), 'http://links.example'],
    ['https, however it is written', proxy, scheme('HTTPS'), ofList],
    ['a host of the list, however it is written', proxy, host('LINKS.Example'), ofList],
  ])('%s', async (_, remoteAddress, said, base) => {
    const headers = { host: '127.0.0.1:8080', ...host('links.example'), ...scheme('https'), ...said };
    const request = { method: 'POST' as const, url: '/api/v1/connections/link', payload: good };
    const { json } = await behind.call({ ...request, headers, remoteAddress });
    expect(json.url).toBe(`${base}/link/${json.token}`);
  });
});
