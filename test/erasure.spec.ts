import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { AuditEntry } from '#contracts/audit.js';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import { type Api, newCaller, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { eventsOf, keptBy, tablesOf } from './kept.js';
import { findSecrets } from './secret-scan.js';

const stack = sharedStack();
let api: Api;
let key: string;
let stranger: Api;

beforeAll(async () => {
  ({ api, key } = await newCaller(stack.run()));
  stranger = (await newCaller(stack.run())).api;
});

let canaries = 0;
/** Text that stands nowhere else. */
const canary = (what: string) => `canary${Date.now()}x${++canaries}${what}`;

interface Named {
  id: string;
  texts: Record<string, string>;
}

/** A user with a session, and a connection of the same name on the platform surface. */
async function somebody(): Promise<Named & { session: string; connection: string }> {
  const texts = {
    name: canary('name'),
    changed: canary('changed'),
    email: `${canary('mail')}@example.com`,
    label: canary('label'),
    display: canary('display'),
    note: canary('note'),
    later: canary('later'),
  };
  const { id } = (await api.post('/api/v1/users', { name: texts.name, email: texts.email })).body as { id: string };
  await api.patch(`/api/v1/users/${id}`, { name: texts.changed });
  const minted = await api.post('/api/v1/connections/link', { user_id: id, label: texts.label });
  const stored = await platform('POST', '/v1/connections', {
    ...{ server_id: 'stripe', secret: 'sk', user_id: id, display_name: texts.display },
    connection_metadata: { note: texts.note },
  });
  const connection = (stored.body as { id: string }).id;
  await platform('PATCH', `/v1/connections/${connection}/metadata`, { connection_metadata: { note: texts.later } });
  return { id, texts, session: (minted.body as { id: string }).id, connection };
}

const platform = (method: string, path: string, body?: object) =>
  api.call(method, path, body, { authorization: `Bearer ${key}` });

const erase = (subject: string, by: Api = api) => by.post('/api/v1/erasures', { subject });

async function receiptIn(answer: { status: number; body: { receipt: string } }) {
  expect(answer.status).toBe(201);
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', stack.url));
  const { payload, protectedHeader } = await jwtVerify(answer.body.receipt, keys, { algorithms: ['EdDSA'] });
  expect(protectedHeader.typ).toBe('erasure-receipt+jwt');
  return payload;
}

/** All that the API says of them. */
async function replies({
  id,
  session,
  connection,
}: Awaited<ReturnType<typeof somebody>>): Promise<Record<string, Buffer>> {
  const uuid = parsePlatformConnectionId(connection)!;
  const paths = [
    ...[`/api/v1/users/${id}`, '/api/v1/users', `/api/v1/connections/link/${session}`, '/api/v1/connections/link'],
    ...[`/api/v1/connections/link/${session}/timeline`, '/api/v1/audit?limit=200', `/api/v1/audit?subject=${uuid}`],
  ];
  const answers = paths.map(async (path) => [path, Buffer.from((await api.get(path)).text)] as const);
  const v1 = [`/v1/connections/${connection}`, '/v1/connections', '/v1/audit?limit=200'].map(
    async (path) => [path, Buffer.from((await platform('GET', path)).text)] as const,
  );
  return Object.fromEntries(await Promise.all([...answers, ...v1]));
}

describe('personal text', () => {
  it('is sealed in events and on the timeline, and shown to those who may read it', async () => {
    const person = await somebody();
    expect(findSecrets(person.texts, { events: await eventsOf(stack) })).toEqual([]);
    expect(findSecrets(person.texts, { audit: await tablesOf(stack.run().databases['audit']!) })).toEqual([]);
    const { body } = await until(
      () => api.get(`/api/v1/audit?subject=${person.id}`),
      (answer) => (answer.body.entries as unknown[]).length === 2,
    );
    const [changed, created] = body.entries as { summary: string; data: Record<string, unknown> }[];
    expect(created!.data).toMatchObject({ name: person.texts['name'], email: person.texts['email'] });
    expect(created!.data).not.toHaveProperty('personal');
    expect(changed!.summary).toContain(person.texts['changed']);
    const timeline = await api.get(`/api/v1/connections/link/${person.session}/timeline`);
    expect(timeline.body.entries[0]).toMatchObject({ label: person.texts['label'] });
    expect(findSecrets(person.texts, await replies(person))).not.toEqual([]);
  });

  it('is nowhere once a user has been erased: no table, no event, no log, no reply', async () => {
    const [person, other] = [await somebody(), await somebody()];
    const receipt = await receiptIn(await erase(person.id));
    expect(receipt).toMatchObject({
      ...{ iss: expect.stringMatching(/^http/), sub: person.id, subject_kind: 'user', environment: 'live' },
      erased: { user: 1, link_session: 1, connection: 1 },
    });
    expect(receipt['positions']).toHaveLength(3);
    expect(findSecrets(person.texts, { ...(await keptBy(stack)), ...(await replies(person)) })).toEqual([]);
    expect((await api.get(`/api/v1/users/${person.id}`)).body).toMatchObject({ name: '', email: null });
    expect((await api.get(`/api/v1/users/${other.id}`)).body).toMatchObject({ name: other.texts['changed'] });
    const { body } = await platform('GET', `/v1/connections/${person.connection}`);
    expect(body).toMatchObject({ display_name: null, connection_metadata: {}, status: 'connected' });
    const timeline = await api.get(`/api/v1/audit?subject=${person.id}`);
    const { entries } = timeline.body as { entries: { type: string }[] };
    expect(entries.map(({ type }) => type)).toEqual([...['PersonalTextErased', 'UserUpdated', 'UserCreated']]);
  });

  it('is erased once, whoever asks how often, and by any of its ids', async () => {
    const { id, session, texts } = await somebody();
    const { body } = await api.get(`/api/v1/connections/link/${session}`);
    const first = await receiptIn(await erase((body as { short_id: string }).short_id));
    expect(first).toMatchObject({ sub: session, subject_kind: 'link_session', erased: { link_session: 1 } });
    expect((await api.get(`/api/v1/connections/link/${session}`)).body.label).toBe('');
    expect((await api.get(`/api/v1/users/${id}`)).body.name).toBe(texts['changed']);
    const both = await Promise.all([erase(session), erase(session)]);
    for (const answer of both) expect((await receiptIn(answer))['positions']).toEqual(first['positions']);
    const all = await receiptIn(await erase(id));
    expect(all).toMatchObject({ erased: { user: 1, link_session: 1, connection: 1 } });
    expect((await receiptIn(await erase(id)))['positions']).toEqual(all['positions']);
  });

  it('takes the caller’s own name for an end user, and outlives what is deleted', async () => {
    const [user_id, texts] = [`customer ${randomUUID()}`, { display: canary('deleted') }];
    const body = { server_id: 'stripe', secret: 'sk', user_id, display_name: texts.display };
    const stored = await platform('POST', '/v1/connections', body);
    const { id } = stored.body as { id: string };
    expect((await platform('DELETE', `/v1/connections/${id}`)).status).toBe(204);
    const receipt = await receiptIn(await erase(user_id));
    expect(receipt).toMatchObject({ sub: user_id, subject_kind: 'end_user', erased: { connection: 1 } });
    expect((await platform('GET', `/v1/connections/${id}`)).status).toBe(404);
    expect(findSecrets(texts, await keptBy(stack))).toEqual([]);
    expect((await receiptIn(await erase(id)))['erased']).toEqual({ connection: 1 });
  });

  it('of a link session is erased also when an end user is called by its id, whatever that is', async () => {
    const { session, texts } = await somebody();
    for (const user_id of [session, ' ']) {
      const body = { server_id: 'stripe', secret: 'sk', user_id, display_name: canary('display') };
      const stored = await platform('POST', '/v1/connections', body);
      expect(stored.status).toBe(201);
      await receiptIn(await erase(user_id));
      const { id } = stored.body as { id: string };
      expect((await platform('GET', `/v1/connections/${id}`)).text).not.toContain(body.display_name);
    }
    expect((await api.get(`/api/v1/connections/link/${session}`)).text).not.toContain(texts.label);
  });

  it('of an end user is erased also when the name is an id of something else', async () => {
    const { id, connection } = await somebody();
    const { short_id } = (await api.get(`/api/v1/users/${id}`)).body as { short_id: string };
    const opened = await platform('POST', '/v1/sessions', { servers: ['stripe'] });
    for (const user_id of [short_id, id.toUpperCase(), connection, (opened.body as { id: string }).id]) {
      const texts = { display: canary('display'), note: canary('note') };
      const body = { server_id: 'stripe', secret: 'sk', user_id, display_name: texts.display };
      const stored = await platform('POST', '/v1/connections', { ...body, connection_metadata: { note: texts.note } });
      expect(stored.status).toBe(201);
      await receiptIn(await erase(user_id));
      const { text } = await platform('GET', `/v1/connections/${(stored.body as { id: string }).id}`);
      expect(findSecrets(texts, { reply: Buffer.from(text) })).toEqual([]);
    }
  });

  it('can be written anew, and the address is free for others', async () => {
    const { id, texts } = await somebody();
    await receiptIn(await erase(id));
    const name = canary('again');
    expect((await api.patch(`/api/v1/users/${id}`, { name })).body).toMatchObject({ name, email: null });
    expect((await api.post('/api/v1/users', { name: 'Grace', email: texts['email'] })).status).toBe(201);
    expect((await receiptIn(await erase(id)))['positions']).toHaveLength(4);
    expect((await api.get(`/api/v1/users/${id}`)).body.name).toBe('');
  });

  it('of another tenant does not exist, nor does what nobody knows', async () => {
    const { id, session, connection } = await somebody();
    const bytes = async (subject: string) => {
      const { status, text } = await erase(subject, stranger);
      expect(status).toBe(404);
      return text.replace(/"request_id":"[^"]*"/, '');
    };
    const unknown = await bytes('8d1f2f60-3c53-4a6c-9c5b-0d9f6f0f1c11');
    for (const subject of [id, session, connection, 'nobody at all']) expect(await bytes(subject)).toBe(unknown);
    expect((await api.get(`/api/v1/users/${id}`)).body.name).not.toBe('');
  });

  it('is not part of a key: its receipt says so', async () => {
    const { id } = (await api.get('/api/v1/keys/me')).body as { id: string };
    expect(await receiptIn(await erase(id))).toMatchObject({
      sub: id,
      subject_kind: 'api_key',
      erased: {},
      positions: [],
    });
  });

  it('is not part of a Connect Link either', async () => {
    const wish = { server_id: 'sandbox-oauth', user_id: 'customer 42', redirect_uri: 'https://app.example/done' };
    expect((await platform('POST', '/v1/connections/start', wish)).status).toBe(200);
    const { entries } = (await api.get('/api/v1/audit?type=ConnectLinkStarted')).body as { entries: AuditEntry[] };
    const { id, short_id } = entries[0]!.subject;
    for (const subject of [id, short_id!])
      expect(await receiptIn(await erase(subject))).toMatchObject({
        sub: id,
        subject_kind: 'connect_link',
        erased: {},
      });
  });

  it.each([[{}], [{ subject: '' }], [{ subject: 5 }], [{ subject: 'x'.repeat(201) }]])(
    'is not erased for %j',
    async (body) => {
      expect((await api.post('/api/v1/erasures', body)).status).toBe(400);
    },
  );

  it('is erased for full_access alone', async () => {
    const { api: reader } = await newCaller(stack.run(), 'read_only');
    expect((await erase('x', reader)).status).toBe(403);
  });
});
