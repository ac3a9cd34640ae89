import { randomBytes, randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import type { VaultStatus } from '#contracts/vault.js';
import { newCaller, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { KeyRing } from '../apps/connection/src/vault/key-ring.js';
import { KeyRotation } from '../apps/connection/src/vault/key-rotation.js';
import { Vault } from '../apps/connection/src/vault/vault.service.js';

interface Entry {
  connection_id: string;
  version: number;
  epoch: number;
  wrapped_key: Buffer;
  ciphertext: Buffer;
  project_id: string;
  environment: 'live' | 'test';
}

const stack = sharedStack();
let caller: Awaited<ReturnType<typeof newCaller>>;
let database: DataSource;

beforeAll(async () => {
  caller = await newCaller(stack.run());
  database = await new DataSource({ type: 'postgres', url: stack.run().databases['connection']! }).initialize();
});
afterAll(() => database.destroy());

/** A machine that has too much to do answers 503 now and then, which asks to be asked again. */
const platform = (method: string, path: string, body?: object) =>
  until(
    () => caller.api.call(method, path, body, { authorization: `Bearer ${caller.key}` }),
    (answer) => answer.status !== 503,
    30_000,
  );
const status = async () => (await caller.api.get('/api/v1/vault')).body as VaultStatus;
const many = <T>(count: number, make: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)));

/** What should be in the vault, by connection. */
const secrets = new Map<string, string>();

async function store(user_id = `customer ${randomUUID()}`): Promise<{ id: string; user_id: string }> {
  const secret = `sk_${randomBytes(8).toString('hex')}`;
  const { status: code, body } = await platform('POST', '/v1/connections', { server_id: 'stripe', secret, user_id });
  expect([200, 201]).toContain(code);
  const { id } = body as { id: string };
  secrets.set(parsePlatformConnectionId(id)!, secret);
  return { id, user_id };
}

async function revoke(id: string): Promise<void> {
  expect((await platform('POST', `/v1/connections/${id}/revoke`)).status).toBe(200);
  secrets.delete(parsePlatformConnectionId(id)!);
}

const entries = (): Promise<Entry[]> =>
  database.query(`select * from vault_entries where field = 'credential' and project_id = $1 order by connection_id`, [
    caller.tenant.project_id,
  ]);

describe('a rotation of the key-encryption key', () => {
  it('moves every data key while connections are made, replaced and revoked, and loses none', async () => {
    const before = await status();
    const made = await many(16, () => store());
    const untouched = made.slice(0, 6).map(({ id }) => parsePlatformConnectionId(id)!);
    const old = new Map((await entries()).map((entry) => [entry.connection_id, entry]));

    const epoch = before.current_epoch + 1;
    const key = `${epoch}:${randomBytes(32).toString('base64')}`;
    appendFileSync(join(stack.dataDir, 'secrets', 'vault.key'), `${key}\n`);
    const rotated = caller.api.post('/api/v1/vault/rotate');
    await Promise.all([
      many(8, () => store()),
      ...made.slice(6, 12).map(({ user_id }) => store(user_id)),
      ...made.slice(12).map(({ id }) => revoke(id)),
    ]);
    expect((await rotated).body).toMatchObject({ current_epoch: epoch });
    const done = await until(status, ({ remaining }) => remaining === 0, 30_000);
    expect(done).toMatchObject({ current_epoch: epoch, last_error: null });
    expect(done.epochs.filter((one) => one.epoch !== epoch).map((one) => one.entries)).toEqual(
      done.epochs.slice(1).map(() => 0),
    );

    const now = await entries();
    expect(now.map(({ connection_id }) => connection_id)).toEqual([...secrets.keys()].sort());
    const vault = new Vault(new KeyRing({ VAULT_KEK: key }), database);
    for (const entry of now) {
      const slot = { ...entry, field: 'credential' as const };
      expect(await vault.read(slot, entry.version)).toBe(JSON.stringify(secrets.get(entry.connection_id)));
    }
    for (const entry of now.filter(({ connection_id }) => untouched.includes(connection_id))) {
      const { wrapped_key, ciphertext } = old.get(entry.connection_id)!;
      expect([entry.epoch, entry.ciphertext.equals(ciphertext)]).toEqual([epoch, true]);
      expect(entry.wrapped_key.equals(wrapped_key)).toBe(false);
    }
  });

  it('is no place for another key of the same epoch: a replica that has one does not start', async () => {
    const { current_epoch, epochs } = await status();
    const keys = epochs.map(({ epoch }) => `${epoch}:${randomBytes(32).toString('base64')}`);
    const other = new KeyRotation(new KeyRing({ VAULT_KEK: keys.join(' ') }), database);
    await expect(other.onApplicationBootstrap()).rejects.toThrow(
      `is not the one that the credentials of epoch ${current_epoch} (`,
    );
  });

  it('is on the timeline of whoever asked for it', async () => {
    const { body } = await caller.api.get('/api/v1/audit?type=VaultRotationRequested');
    expect((body as { entries: { subject: { kind: string } }[] }).entries[0]).toMatchObject({
      subject: { kind: 'vault' },
    });
  });

  it('is asked for with full_access alone', async () => {
    const { api } = await newCaller(stack.run(), 'read_only');
    expect((await api.get('/api/v1/vault')).status).toBe(403);
    expect((await api.post('/api/v1/vault/rotate')).status).toBe(403);
  });
});
