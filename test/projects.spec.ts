import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, type Api, apiWith, newCaller, newUser } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { openLink } from './page-visit.js';
import { type PlatformCaller, platformCaller, refused, said } from './platform-caller.js';

const stack = sharedStack();
let api: PlatformCaller;
let reader: PlatformCaller;

beforeAll(async () => {
  api = await platformCaller(stack.run());
  reader = await platformCaller(stack.run(), 'read_only');
});

/** A name and slug that nobody has had on this stack. */
const fresh = () => `shop-${randomBytes(6).toString('hex')}`;
const create = (fields: object = {}) => api.post('/v1/projects', { name: 'Web Shop', slug: fresh(), ...fields });
const made = async () => (await create()).body as { id: string; slug: string };
const as = (key: string, headers: Record<string, string> = {}) => {
  const given = { authorization: `Bearer ${key}`, ...headers };
  const { call } = apiWith(stack.url, null);
  return (method: string, path: string, body?: object) => call(method, path, body, given);
};
const unknown = `prj_${'0'.repeat(16)}`;

describe('POST /v1/projects', () => {
  it('creates: 201 and exactly the promised fields', async () => {
    const slug = fresh();
    const { status, body } = await create({ name: ' Web Shop ', slug });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^prj_[0-9A-Za-z]{16}$/),
      org_id: 'org_default',
      name: 'Web Shop',
      slug,
      is_default: false,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it('makes a slug from the name, and tells it apart when it is taken', async () => {
    const name = `Café ${fresh()}`;
    const slugs = [await api.post('/v1/projects', { name }), await api.post('/v1/projects', { name })].map(
      ({ body }) => body.slug as string,
    );
    expect(slugs[0]).toMatch(/^cafe-shop-[0-9a-f]{12}$/);
    expect(slugs[1]).toMatch(new RegExp(`^${slugs[0]}-[0-9a-f]{8}$`));
    expect((await api.post('/v1/projects', { name: '日本' })).body.slug).toMatch(/^project(-[0-9a-f]{8})?$/);
  });

  it('refuses a slug that another project has, also of two at the same moment', async () => {
    const { slug } = await made();
    expect(said(await create({ slug }))).toEqual(refused(409, 'slug_conflict'));
    expect(said(await create({ slug: 'default' }))).toEqual(refused(409, 'slug_conflict'));
    const race = fresh();
    const answers = await Promise.all([1, 2, 3, 4].map(() => create({ slug: race })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
  });

  it('is answered alike when the same wish comes again', async () => {
    const slug = fresh();
    const once = () => api.post('/v1/projects', { name: 'x', slug }, { 'idempotency-key': slug });
    const [one, two] = [await once(), await once()];
    expect([two.status, two.text]).toEqual([201, one.text]);
  });

  it.each([
    ['no name', { name: undefined }],
    ['a blank name', { name: '  ' }],
    ['a long name', { name: 'x'.repeat(81) }],
    ['a number for a name', { name: 5 }],
    ['a slug with a capital', { slug: 'Shop' }],
    ['an empty slug', { slug: '' }],
    ['a slug that ends in a hyphen', { slug: 'shop-' }],
    ['a long slug', { slug: 'x'.repeat(49) }],
  ])('refuses %s', async (_, fields) => expect(said(await create(fields))).toEqual(refused(400, 'invalid_body')));
});

describe('projects', () => {
  it('are listed newest first, page by page', async () => {
    const [older, newer] = [await made(), await made()];
    const ids = (answer: Answer) => (answer.body.projects as { id: string }[]).map(({ id }) => id);
    const first = await api.get('/v1/projects?limit=1');
    expect(ids(first)).toEqual([newer.id]);
    const second = await api.get(`/v1/projects?limit=1&cursor=${first.body.next_cursor}`);
    expect(ids(second)).toEqual([older.id]);
    for (const bad of ['limit=0', 'limit=201', 'cursor=x'])
      expect(said(await api.get(`/v1/projects?${bad}`))).toEqual(refused(400, 'invalid_query'));
  });

  it('and keys are listed at once to who has just written the other', async () => {
    await made();
    expect((await api.get('/v1/api-keys')).status).toBe(200);
    await api.post('/v1/api-keys', { name: 'k' });
    expect((await api.get('/v1/projects')).status).toBe(200);
  });

  it('are found by id and by slug; the default one is there from the first start', async () => {
    const { id, slug } = await made();
    expect((await api.get(`/v1/projects/${slug}`)).body).toMatchObject({ id, slug });
    expect((await api.get('/v1/projects/default')).body).toMatchObject({
      id: 'prj_default000000000',
      name: 'default',
      is_default: true,
    });
  });

  it('are renamed, and keep id and slug', async () => {
    const { id, slug } = await made();
    const { status, body } = await api.patch(`/v1/projects/${id}`, { name: 'Other' });
    expect([status, body]).toMatchObject([200, { id, slug, name: 'Other' }]);
    expect((await api.get(`/v1/projects/${id}`)).body).toEqual(body);
    expect(said(await api.patch(`/v1/projects/${id}`, { name: '' }))).toEqual(refused(400, 'invalid_body'));
  });

  it('that nobody has made are 404, whatever their id looks like', async () => {
    for (const id of [unknown, 'prj_x', 'no-such-slug', 'nöpe', '00000000-0000-4000-8000-000000000000']) {
      const path = `/v1/projects/${encodeURIComponent(id)}`;
      const answers = [
        await api.get(path),
        await api.patch(path, { name: 'x' }),
        await api.get(`${path}/redirect-origins`),
        await api.put(`${path}/redirect-origins`, { origins: [] }),
      ];
      for (const answer of answers) {
        expect(said(answer)).toEqual(refused(404, 'not_found'));
        expect(answer.body.message).toBe('Project not found');
      }
    }
  });

  it('need keys:write', async () => {
    const answers = [
      await reader.get('/v1/projects'),
      await reader.post('/v1/projects', { name: 'x' }),
      await reader.get('/v1/projects/default'),
      await reader.patch('/v1/projects/default', { name: 'x' }),
      await reader.get('/v1/projects/default/redirect-origins'),
      await reader.put('/v1/projects/default/redirect-origins', { origins: ['https://evil.example'] }),
    ];
    for (const answer of answers) expect(said(answer)).toEqual(refused(403, 'forbidden'));
  });

  it('stand on the timeline of whoever made and changed them', async () => {
    const { id, slug } = await made();
    await api.patch(`/v1/projects/${id}`, { name: 'Other' });
    await api.put(`/v1/projects/${id}/redirect-origins`, { origins: ['https://app.example'] });
    const { entries } = (await api.get(`/v1/audit?subject=${id}&order=asc`)).body as { entries: { summary: string }[] };
    expect(entries.map(({ summary }) => summary)).toEqual([
      `The project Web Shop (${slug}) was created.`,
      'The project was renamed to Other.',
      'Links of the project may redirect to https://app.example, and nowhere else.',
    ]);
    expect((await reader.get(`/v1/audit?subject=${id}`)).body.entries).toEqual([]);
  });
});

describe('keys of a project', () => {
  const keyIn = async (fields: object, headers: Record<string, string> = {}) =>
    api.post('/v1/api-keys', { name: 'k', ...fields }, headers);

  it('are made by anyone in the organization who may write keys, and act in it', async () => {
    const { id, slug } = await made();
    const { status, body } = await keyIn({ project_id: id, env: 'test' });
    expect([status, body]).toMatchObject([201, { project_id: id, environment: 'test', revoked_at: null }]);
    expect(body.full_key).toMatch(/^csk_test_/);
    expect((await as(body.full_key as string)('GET', '/v1/whoami')).body).toEqual({
      organization: { id: 'org_default', name: 'default' },
      project: { id, name: 'Web Shop' },
      key: { id: body.id, environment: 'test', scopes: ['connections:read', 'servers:read', 'sessions:read'] },
    });
    expect((await keyIn({}, { 'x-codespar-project': id })).body.project_id).toBe(id);
    expect((await keyIn({ project_id: slug })).body.project_id).toBe(id);
    const other = await made();
    expect((await keyIn({ project_id: other.id }, { 'x-codespar-project': id })).body.project_id).toBe(other.id);
  });

  it('are not made in a project that nobody knows', async () => {
    for (const id of [unknown, fresh(), 'prj_'])
      for (const answer of [await keyIn({ project_id: id }), await keyIn({}, { 'x-codespar-project': id })]) {
        expect(said(answer)).toEqual(refused(404, 'not_found'));
        expect(answer.body.message).toBe('Project not found');
      }
    expect(said(await keyIn({ project_id: 5 }))).toEqual(refused(400, 'invalid_body'));
    expect(said(await keyIn({ project_id: 'x'.repeat(101) }))).toEqual(refused(400, 'invalid_body'));
  });

  it('are listed and revoked where they are, and nowhere else', async () => {
    const { id } = await made();
    const key = (await keyIn({ project_id: id, env: 'test' })).body as { id: string; full_key: string };
    const listed = async (query: string, headers = {}) => {
      const { body } = await api.call('GET', `/v1/api-keys${query}`, undefined, headers);
      return (body.keys as { id: string }[]).map((one) => one.id);
    };
    expect(await listed('')).not.toContain(key.id);
    expect(await listed(`?project_id=${id}&env=live`)).toEqual([]);
    expect(await listed(`?project_id=${id}&env=test`)).toEqual([key.id]);
    expect(await listed('?env=test', { 'x-codespar-project': id })).toEqual([key.id]);
    for (const query of ['', '?env=test', `?project_id=${id}&env=live`])
      expect(said(await api.delete(`/v1/api-keys/${key.id}${query}`))).toEqual(refused(404, 'not_found'));
    expect(said(await api.get(`/v1/api-keys?project_id=${unknown}`))).toEqual(refused(404, 'not_found'));
    expect((await api.delete(`/v1/api-keys/${key.id}?project_id=${id}&env=test`)).status).toBe(204);
    expect(said(await as(key.full_key)('GET', '/v1/whoami'))).toEqual(refused(401, 'unauthorized'));
  });

  it('for tests are a live key’s to list and to revoke, without a word about where they are', async () => {
    const made = (await keyIn({ env: 'test' })).body as { id: string; full_key: string };
    const { keys } = (await api.get('/v1/api-keys')).body as { keys: { id: string; environment: string }[] };
    expect(keys[0]).toMatchObject({ id: made.id, environment: 'test' });
    expect(keys.map(({ environment }) => environment)).toContain('live');
    expect((await api.delete(`/v1/api-keys/${made.id}`)).status).toBe(204);
    expect(said(await as(made.full_key)('GET', '/v1/whoami'))).toEqual(refused(401, 'unauthorized'));
  });

  it('never reach from test to live', async () => {
    const { full_key } = (await keyIn({ env: 'test', scopes: ['keys:write'] })).body as { full_key: string };
    const test = as(full_key);
    expect((await test('POST', '/v1/api-keys', { name: 'k' })).body.environment).toBe('test');
    for (const answer of [
      await test('POST', '/v1/projects', { name: 'x', slug: fresh() }),
      await test('PATCH', '/v1/projects/default', { name: 'x' }),
      await test('PUT', '/v1/projects/default/redirect-origins', { origins: ['https://evil.example'] }),
    ]) {
      expect(said(answer)).toEqual(refused(403, 'forbidden'));
    }
    for (const answer of [
      await test('POST', '/v1/api-keys', { name: 'k', env: 'live' }),
      await test('GET', '/v1/api-keys?env=live'),
      await test('DELETE', '/v1/api-keys/00000000?env=live'),
    ])
      expect(said(answer)).toEqual(refused(403, 'forbidden'));
  });

  it('hold no scope beyond those of their maker, in any project', async () => {
    const { id } = await made();
    const { full_key } = (await keyIn({ scopes: ['keys:write', 'servers:read'] })).body as { full_key: string };
    const maker = as(full_key);
    const wish = { name: 'k', project_id: id };
    const beyond = await maker('POST', '/v1/api-keys', { ...wish, scopes: ['connections:read'] });
    expect(said(beyond)).toEqual(refused(403, 'forbidden'));
    expect((await maker('POST', '/v1/api-keys', wish)).body.scopes).toEqual(['servers:read']);
  });

  it('act in their own project, whatever x-codespar-project says elsewhere', async () => {
    const { id } = await made();
    const { body } = await api.call('GET', '/v1/whoami', undefined, { 'x-codespar-project': id });
    expect(body.project.name).toBe('a test');
  });
});

describe('the hosted page', () => {
  it('says which project asks', async () => {
    const { api: household, tenant } = await newCaller(stack.run());
    await api.patch(`/v1/projects/${tenant.project_id}`, { name: 'Tom & Ada' });
    const { id } = (await household.post('/api/v1/users', { name: 'Ada' })).body as { id: string };
    const { url } = (await household.post('/api/v1/connections/link', { user_id: id })).body as { url: string };
    const { base, cookie } = await openLink(url);
    const page = await fetch(base, { headers: { cookie } });
    expect(await page.text()).toContain('Tom &amp; Ada would like to connect to your bank.');
  });
});

describe('the redirect origins of a project', () => {
  let household: Api;
  let user_id: string;
  let path: string;

  beforeAll(async () => {
    const caller = await newCaller(stack.run());
    household = caller.api;
    user_id = await newUser(household);
    path = `/v1/projects/${caller.tenant.project_id}/redirect-origins`;
  });

  const mintTo = (redirect_url: string) => household.post('/api/v1/connections/link', { user_id, redirect_url });

  it('are everywhere until they are set, hold at once, and can be taken back', async () => {
    expect((await api.get(path)).body).toEqual({ origins: [] });
    expect((await mintTo('https://anywhere.example/')).status).toBe(201);
    const set = await api.put(path, {
      origins: ['https://App.example/', 'http://localhost:3000', 'https://app.example'],
    });
    expect([set.status, set.body]).toEqual([200, { origins: ['https://app.example', 'http://localhost:3000'] }]);
    expect((await api.get(path)).body).toEqual(set.body);
    expect((await mintTo('https://app.example/done?a=1')).status).toBe(201);
    expect((await mintTo('')).status).toBe(201);
    for (const outside of ['https://anywhere.example/', 'http://localhost:3001/', 'https://app.example.evil/']) {
      const { status, body } = await mintTo(outside);
      expect([status, body.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    }
    await api.put(path, { origins: [] });
    expect((await mintTo('https://anywhere.example/')).status).toBe(201);
  });

  it.each([
    {},
    { origins: 'https://app.example' },
    { origins: [5] },
    { origins: ['https://app.example/path'] },
    { origins: ['http://app.example'] },
    { origins: Array.from({ length: 51 }, (_, n) => `https://a${n}.example`) },
  ])('are not %j', async (body) => expect(said(await api.put(path, body))).toEqual(refused(400, 'invalid_body')));
});
