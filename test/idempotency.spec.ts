import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { sha256 } from '#contracts/ids.js';
import { type Answer, type Api, apiWith, newCaller, newUser, until } from '#testing/api.js';
import { sharedStack, type Stack, startStack } from '#testing/stack.js';

let api: Api;
let other: Api;
let apiKey: string;
let user_id: string;

beforeAll(async () => {
  const run = sharedStack().run();
  const caller = await newCaller(run);
  ({ api, key: apiKey } = caller);
  other = (await newCaller(run, 'full_access', caller.tenant)).api;
  user_id = await newUser(api);
});

const mint = (key: string, body: object = {}, as = api): Promise<Answer> =>
  as.post('/api/v1/connections/link', { user_id, ...body }, { 'idempotency-key': key });

/** The second time nobody knows any more what was answered the first time. */
async function askedTwice(path: string, body: object): Promise<{ first: Answer; again: Answer }> {
  const as = { authorization: `Bearer ${apiKey}`, 'idempotency-key': randomUUID() };
  const first = await api.post(path, body, as);
  const { id } = (await api.get('/api/v1/keys/me')).body as { id: string };
  const scope = sha256([id, 'POST', path, as['idempotency-key']].join('\n'));
  const database = new Client(sharedStack().run().databases['key']);
  await database.connect();
  const forget = 'update idempotent_replies set status = null, sealed = null, leased_until = now() where scope = $1';
  expect((await database.query(forget, [scope])).rowCount).toBe(1);
  await database.end();
  const again = await api.post(path, body, as);
  expect(again.headers.get('idempotency-replayed')).toBeNull();
  return { first, again };
}

const sessions = async () => (await api.get('/api/v1/connections/link?limit=200')).body.sessions as { id: string }[];

describe('a POST with an Idempotency-Key', () => {
  it('gets the same status and bytes again, the token included', async () => {
    const key = randomUUID();
    const first = await mint(key);
    const again = await mint(key);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.text).toBe(first.text);
    expect(first.body.token).toHaveLength(43);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('cache-control')).toBe('no-store');
  });

  it('has one effect, however many come at once', async () => {
    const before = (await sessions()).length;
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 20 }, () => mint(key)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    expect((await sessions()).length).toBe(before + 1);
  });

  it('compares bodies as JSON values', async () => {
    const key = randomUUID();
    const as = { 'idempotency-key': key };
    const first = await api.post('/api/v1/connections/link', `{"user_id":"${user_id}","label":"x"}`, as);
    const again = await api.post('/api/v1/connections/link', `{ "label": "\\u0078", "user_id": "${user_id}" }`, as);
    expect(again.text).toBe(first.text);
    const conflict = await mint(key, { label: 'y' });
    expect(conflict.status).toBe(409);
    expect(conflict.body.error.code).toBe('IDEMPOTENCY_CONFLICT');
  });

  it('belongs to one API key and one path', async () => {
    const key = randomUUID();
    const mine = await mint(key);
    expect((await mint(key, {}, other)).body.id).not.toBe(mine.body.id);
    const user = await api.post('/api/v1/users', { name: 'Grace' }, { 'idempotency-key': key });
    expect(user.status).toBe(201);
  });

  it('does not remember a refusal', async () => {
    const key = randomUUID();
    expect((await mint(key, { provider: 'nobody' })).status).toBe(400);
    expect((await mint(key)).status).toBe(201);
  });

  it('keeps the secret of a created API key, too', async () => {
    const as = { 'idempotency-key': randomUUID() };
    const first = await api.post('/api/v1/api-keys', { name: 'k' }, as);
    expect((await api.post('/api/v1/api-keys', { name: 'k' }, as)).text).toBe(first.text);
    expect((await api.get('/api/v1/keys/me', { 'x-api-key': first.body.plaintext_key as string })).status).toBe(200);
  });

  describe('gets the same bytes also when nobody has kept the first answer', () => {
    const secret = { instance_id: 'i', instance_token: 't' };
    const name = randomUUID();

    it.each<[string, () => object]>([
      ['/api/v1/connections/link', () => ({ user_id })],
      ['/api/v1/users', () => ({ name, email: `${name}@example.com` })],
      ['/api/v1/api-keys', () => ({ name })],
      ['/v1/api-keys', () => ({ name })],
      ['/v1/projects', () => ({ name, slug: name })],
      ['/v1/sessions', () => ({ servers: ['z-api'] })],
      ['/v1/connections', () => ({ server_id: 'z-api', user_id: name, secret })],
    ])('from POST %s', async (path, body) => {
      const { first, again } = await askedTwice(path, body());
      expect([first.status, again.text]).toEqual([201, first.text]);
    });

    it('from a rotation, and the key in them works', async () => {
      const old = await api.post('/api/v1/api-keys', { name });
      const { first, again } = await askedTwice(`/api/v1/api-keys/${old.body.id}/rotate`, {});
      expect([first.status, again.text]).toEqual([201, first.text]);
      const me = await api.get('/api/v1/keys/me', { 'x-api-key': again.body.plaintext_key as string });
      expect(me.body.id).toBe(first.body.id);
    });
  });

  it.each([['', 'x'.repeat(256)]])('must be 1 to 255 characters: %j', async (...keys) => {
    for (const key of keys) {
      const refused = await mint(key);
      expect(refused.body.error).toEqual({
        code: 'VALIDATION_ERROR',
        message: 'Idempotency-Key must have 1 to 255 characters',
      });
    }
  });
});

describe('when the gateway or the service dies in the middle', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.stop());

  it.each(['gateway', 'link-session'])(
    'of the two, %s: exactly one session for each key, whatever was answered',
    async (part) => {
      const { api: caller, key: callersKey } = await newCaller(stack.run());
      const owner = await newUser(caller);
      const keys = Array.from({ length: 30 }, () => randomUUID());
      const { post } = apiWith(stack.url, callersKey, 1);
      const ask = (key: string) =>
        post('/api/v1/connections/link', { user_id: owner }, { 'idempotency-key': key }).catch(() => null);
      const underWay = keys.slice(0, 15).map(ask);
      await Promise.race(underWay);
      stack.kill(part);
      const firsts = await Promise.all([...underWay, ...keys.slice(15).map(ask)]);
      expect(firsts.filter((first) => first?.status !== 201).length).toBeGreaterThan(0);
      const answers = await Promise.all(
        keys.map((key) =>
          until(
            () => ask(key),
            (answer) => answer?.status === 201,
            20_000,
          ),
        ),
      );
      firsts.forEach((first, n) => {
        if (first?.status === 201) expect(answers[n]!.text).toBe(first.text);
      });
      const { body } = await caller.get('/api/v1/connections/link?limit=200');
      const ids = (body.sessions as { id: string }[]).map(({ id }) => id).sort();
      expect(ids).toEqual(answers.map((answer) => answer!.body.id as string).sort());
    },
  );
});
