import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import { newCaller, until } from '#testing/api.js';
import { certificate } from '#testing/certificate.js';
import { sharedStack } from '#testing/stack.js';
import { type PlatformCaller, platformCaller, refused, said, someone } from './platform-caller.js';

const stack = sharedStack();
let api: PlatformCaller;
let project: string;

beforeAll(async () => {
  api = await platformCaller(stack.run());
  project = (await api.get('/v1/whoami')).body.project.id as string;
});

const create = (fields: object = {}) =>
  api.post('/v1/connections', { server_id: 'asaas', secret: 'first', user_id: someone(), ...fields });

async function query<Row>(sql: string, values: unknown[] = []): Promise<Row[]> {
  const database = new Client({ connectionString: stack.run().databases['connection']! });
  await database.connect();
  try {
    return (await database.query(sql, values)).rows as Row[];
  } finally {
    await database.end();
  }
}

async function vaultRows(): Promise<number> {
  const [row] = await query<{ n: number }>('select count(*)::int as n from vault_entries where project_id = $1', [
    project,
  ]);
  return row!.n;
}

describe('POST /v1/connections', () => {
  it('creates: 201 and every field, without the secret', async () => {
    const user_id = someone();
    const terms = { display_name: 'Asaas production', connection_metadata: { default_customer_id: 'cus_1' } };
    const { status, body, text } = await create({ user_id, secret: 'CANARY-secret', ...terms });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.stringMatching(/^conn_[0-9A-Za-z]{22}$/),
      ...{ user_id, server_id: 'asaas', auth_type: 'api_key', status: 'connected', ...terms },
      ...{ metadata: {}, cert_metadata: {}, created_at: expect.any(String), connected_at: body.created_at },
      ...{ revoked_at: null, expires_at: null },
    });
    expect(text).not.toContain('CANARY');
    expect((await api.get(`/v1/connections/${body.id}`)).body).toEqual(body);
  });

  it('rotates: 200, the same id, and only what was sent changes', async () => {
    const user_id = someone();
    const first = (await create({ user_id, display_name: 'Main', connection_metadata: { a: 1 } })).body;
    const { status, body } = await create({ user_id, secret: 'second', connection_metadata: { b: 2 } });
    expect([status, body.id, body.display_name, body.connection_metadata]).toEqual([200, first.id, 'Main', { b: 2 }]);
    expect(body.created_at).toBe(first.created_at);
  });

  it('is a new connection after a revoke', async () => {
    const user_id = someone();
    const first = (await create({ user_id })).body;
    await api.post(`/v1/connections/${first.id}/revoke`);
    const { status, body } = await create({ user_id });
    expect(status).toBe(201);
    expect(body.id).not.toBe(first.id);
  });

  it('is one connection however many come first at the same moment', async () => {
    const user_id = someone();
    const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => create({ user_id, secret: `s${n}` })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => String(body.id))).size).toBe(1);
    const rows = await query(
      `select v.version from vault_entries v join connections c on c.id = v.connection_id
       where c.user_id = $1 and c.project_id = $2`,
      [user_id, project],
    );
    expect(rows).toHaveLength(1);
  });

  it('is answered alike when the same wish comes again', async () => {
    const name = { 'idempotency-key': 'create-once' };
    const body = { server_id: 'asaas', secret: 'x', user_id: someone() };
    const one = await api.post('/v1/connections', body, name);
    const two = await api.post('/v1/connections', body, name);
    expect([two.status, two.text]).toEqual([one.status, one.text]);
  });

  it('reads what a certificate says', async () => {
    const { cert, key, subject } = certificate;
    const { status, body } = await create({ server_id: 'banco-do-brasil', secret: { cert, key } });
    expect([status, body.cert_metadata.subject_cn]).toEqual([201, subject]);
    expect((await api.get(`/v1/connections/${body.id}`)).body.cert_metadata).toEqual(body.cert_metadata);
  });

  it.each([
    ['a server nobody knows', { server_id: 'acme' }, 404, 'server_unknown'],
    ['a server that end users authorize', { server_id: 'mercadopago' }, 400, 'not_api_key_server'],
    ['a bank of the hosted page', { server_id: 'plaid' }, 400, 'not_api_key_server'],
    ['a server without credentials', { server_id: 'brasil-api' }, 400, 'not_api_key_server'],
    ['a string for several secrets', { server_id: 'z-api' }, 400, 'invalid_secret_shape'],
    ['a certificate that is none', { server_id: 'afip', secret: { cert: 'x', key: 'y' } }, 400, 'invalid_secret_shape'],
    ['an empty secret', { secret: '' }, 400, 'invalid_body'],
    ['a secret that is too long', { secret: 'x'.repeat(4097) }, 400, 'invalid_body'],
    ['a number for a secret', { secret: 5 }, 400, 'invalid_body'],
    ['a long name', { display_name: 'x'.repeat(129) }, 400, 'invalid_body'],
    ['a long user_id', { user_id: 'x'.repeat(129) }, 400, 'invalid_body'],
    ['metadata that is a list', { connection_metadata: [] }, 400, 'invalid_body'],
    ['metadata beyond its bytes', { connection_metadata: { a: 'é'.repeat(16_384) } }, 400, 'invalid_body'],
  ])('refuses %s', async (_, fields, status, code) =>
    expect(said(await create(fields))).toEqual(refused(status, code)),
  );

  it('takes the client of a server whose OAuth knows no end user', async () => {
    const server_id = 'nuvem-fiscal';
    const client = { client_id: 'a', client_secret: 'b' };
    expect((await api.get(`/v1/servers/${server_id}/auth-schema`)).body.secret.required).toEqual(Object.keys(client));
    const { status, body } = await create({ server_id, secret: client });
    expect([status, body.auth_type, body.status]).toEqual([201, 'oauth', 'connected']);
    const half = await create({ server_id, secret: { client_id: 'a' } });
    expect(said(half)).toEqual(refused(400, 'keys_mismatch'));
    expect(half.body.error.details).toEqual({ missing: ['client_secret'], extra: [] });
  });

  it('says which names are missing and which too many', async () => {
    const answer = await create({ server_id: 'z-api', secret: { instance_id: 'a', token: 'b' } });
    expect(said(answer)).toEqual(refused(400, 'keys_mismatch'));
    expect(answer.body.error.details).toEqual({ missing: ['instance_token'], extra: ['token'] });
  });

  it('needs connections:write', async () => {
    const reader = await platformCaller(stack.run(), 'read_only');
    const answer = await reader.post('/v1/connections', { server_id: 'asaas', secret: 'x' });
    expect(said(answer)).toEqual(refused(403, 'forbidden'));
  });
});

describe('GET /v1/connections', () => {
  it('lists newest first, page by page, and by each filter', async () => {
    const user_id = someone();
    const servers = ['stripe', 'asaas', 'conekta'];
    const ids: string[] = [];
    for (const server_id of servers) ids.unshift((await create({ server_id, user_id })).body.id as string);
    await api.post(`/v1/connections/${ids[0]}/revoke`);
    interface Page {
      connections: { id: string }[];
      next_cursor: string;
    }
    const list = async (filter: string) => (await api.get(`/v1/connections?user_id=${user_id}&${filter}`)).body as Page;
    const idsOf = (page: Page) => page.connections.map(({ id }) => id);
    const first = await list('limit=2');
    expect([...idsOf(first), ...idsOf(await list(`limit=2&cursor=${first.next_cursor}`))]).toEqual(ids);
    expect(idsOf(await list('server_id=asaas'))).toEqual([ids[1]]);
    expect(idsOf(await list('status=revoked'))).toEqual([ids[0]]);
    expect(idsOf(await list('status=connected'))).toEqual(ids.slice(1));
    expect(idsOf(await list('status=pending'))).toEqual([]);
  });

  it.each(['limit=0', 'limit=101', 'status=active', 'cursor=x'])('refuses %s', async (query) =>
    expect(said(await api.get(`/v1/connections?${query}`))).toEqual(refused(400, 'invalid_query')),
  );

  it('does not show the household what is not a bank', async () => {
    const { id } = (await create()).body;
    const household = (await newCaller(stack.run())).api;
    expect((await household.get('/api/v1/connections')).body.connections).toEqual([]);
    expect((await api.get('/api/v1/connections')).body.connections).toEqual([]);
    expect((await api.get(`/api/v1/connections/${id}`)).status).toBe(404);
  });
});

describe('ending a connection', () => {
  it('revokes once, destroys the credential before it answers, and keeps the record', async () => {
    const { id } = (await create()).body;
    await api.put(`/v1/connections/${id}/webhook-secret`, { secret: 'whsec' });
    const before = await vaultRows();
    const once = await api.call('POST', `/v1/connections/${id}/revoke`, '');
    expect([once.status, once.body]).toEqual([200, { id, status: 'revoked' }]);
    expect(await vaultRows()).toBe(before - 2);
    const again = await api.post(`/v1/connections/${id}/revoke`);
    expect(again.body).toEqual({ id, status: 'revoked', already: true });
    const { body } = await api.get(`/v1/connections/${id}`);
    expect([body.status, typeof body.revoked_at]).toEqual(['revoked', 'string']);
  });

  it('revokes a crowd at once', async () => {
    const before = await vaultRows();
    const created = await Promise.all(Array.from({ length: 30 }, () => create({ display_name: 'Asaas' })));
    const revoked = await Promise.all(created.map(({ body }) => api.post(`/v1/connections/${body.id}/revoke`)));
    expect(revoked.map(({ status }) => status)).toEqual(created.map(() => 200));
    expect(await vaultRows()).toBe(before);
  });

  it('leaves it connected when the vault cannot be purged: 503 revoke_failed', async () => {
    const user_id = someone();
    const { id } = (await create({ user_id })).body;
    const database = new Client({ connectionString: stack.run().databases['connection']! });
    await database.connect();
    await database.query('begin');
    // Its rows alone, and the one that would be next: other suites use the same vault.
    const next = `insert into vault_entries (connection_id, field, version, project_id, environment, epoch, wrapped_key, ciphertext)
      select connection_id, field, version + 1, project_id, environment, epoch, wrapped_key, ciphertext from held`;
    const held = 'select * from vault_entries where connection_id = $1 for update';
    await database.query(`with held as (${held}) ${next}`, [parsePlatformConnectionId(id)]);
    try {
      expect(said(await api.post(`/v1/connections/${id}/revoke`))).toEqual(refused(503, 'revoke_failed'));
      expect(said(await create({ user_id }))).toEqual(refused(503, 'vault_unavailable'));
    } finally {
      await database.query('rollback');
      await database.end();
    }
    expect((await api.get(`/v1/connections/${id}`)).body.status).toBe('connected');
    expect((await api.post(`/v1/connections/${id}/revoke`)).body).toEqual({ id, status: 'revoked' });
  });

  it('sweeps away what a crash between event and purge has left', async () => {
    const { id } = (await create()).body;
    await api.post(`/v1/connections/${id}/revoke`);
    const [row] = await query<{ id: string }>('select id from connections where project_id = $1 and state = $2', [
      project,
      'revoked',
    ]);
    const leftOver = `insert into vault_entries (connection_id, field, version, project_id, environment, epoch, wrapped_key, ciphertext)
      values ($1, 'credential', 9, $2, 'live', 1, '', '')`;
    await query(leftOver, [row!.id, project]);
    await until(
      () => query('select 1 from vault_entries where connection_id = $1', [row!.id]),
      (rows) => rows.length === 0,
    );
  });

  it('deletes: 204, then nobody knows it, and its place is free', async () => {
    const user_id = someone();
    const { id } = (await create({ user_id })).body;
    const rows = await vaultRows();
    expect((await api.delete(`/v1/connections/${id}`)).status).toBe(204);
    expect(await vaultRows()).toBe(rows - 1);
    for (const answer of [await api.get(`/v1/connections/${id}`), await api.delete(`/v1/connections/${id}`)])
      expect(said(answer)).toEqual(refused(404, 'not_found'));
    const next = await create({ user_id });
    expect([next.status, next.body.id === id]).toEqual([201, false]);
  });
});

describe('changing a connection', () => {
  it('merges metadata, and null removes', async () => {
    const { id } = (await create({ connection_metadata: { a: 1, b: { c: 2 } } })).body;
    const { status, body } = await api.patch(`/v1/connections/${id}/metadata`, {
      connection_metadata: { a: null, d: [1] },
    });
    expect([status, body.connection_metadata]).toEqual([200, { b: { c: 2 }, d: [1] }]);
    const tooMuch = { connection_metadata: { e: 'x'.repeat(32_768) } };
    expect(said(await api.patch(`/v1/connections/${id}/metadata`, tooMuch))).toEqual(refused(400, 'invalid_body'));
  });

  it('takes a webhook secret, keeps the one before for its grace, and shows neither', async () => {
    const { id } = (await create()).body;
    const path = `/v1/connections/${id}/webhook-secret`;
    const rows = await vaultRows();
    const { status, body } = await api.put(path, { secret: 'one' });
    expect([status, body]).toEqual([200, { connection_id: id, server_id: 'asaas', updated: true }]);
    await api.put(path, { secret: 'two', grace_seconds: 60 });
    expect(await vaultRows()).toBe(rows + 2);
    await api.put(path, { secret: 'three' });
    expect(await vaultRows()).toBe(rows + 1);
    for (const bad of [{}, { secret: '' }, { secret: 'x'.repeat(1025) }, { secret: 'x', grace_seconds: -1 }])
      expect(said(await api.put(path, bad))).toEqual(refused(400, 'invalid_body'));
  });

  it('is refused once it is revoked', async () => {
    const { id } = (await create()).body;
    await api.post(`/v1/connections/${id}/revoke`);
    const metadata = await api.patch(`/v1/connections/${id}/metadata`, { connection_metadata: {} });
    expect(said(metadata)).toEqual(refused(409, 'connection_revoked'));
    const secret = await api.put(`/v1/connections/${id}/webhook-secret`, { secret: 'x' });
    expect(said(secret)).toEqual(refused(409, 'connection_revoked'));
  });
});
