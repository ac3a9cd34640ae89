import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { DataSource, type EntityManager } from 'typeorm';
import { contextFor, newTenant } from '#testing/callers.js';
import { type Stack, startStack } from '#testing/stack.js';
import { Connections1700000000001 } from '../apps/connection/src/migrations/0001-connections.js';
import { PlatformConnections1700000000002 } from '../apps/connection/src/migrations/0002-platform-connections.js';
import { ConnectLinks1700000000005 } from '../apps/connection/src/migrations/0005-connect-links.js';
import { ConnectLinkEndings1700000000011 } from '../apps/connection/src/migrations/0011-connect-link-endings.js';
import { LeftConnectLinks1700000000016 } from '../apps/connection/src/migrations/0016-left-connect-links.js';
import type { LinkStateRow, TakenLink } from '../apps/connection/src/oauth/link-state.js';
import { LinkTable } from '../apps/connection/src/oauth/link-table.js';
import { KeyRing } from '../apps/connection/src/vault/key-ring.js';
import { Vault } from '../apps/connection/src/vault/vault.service.js';

const tenant = newTenant();

let stack: Stack;
let database: DataSource;
let vault: Vault;
let table: LinkTable;
let hash: string;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres'] });
  database = await new DataSource({
    type: 'postgres',
    url: stack.run().databases['connection']!,
    migrations: [
      Connections1700000000001,
      PlatformConnections1700000000002,
      ConnectLinks1700000000005,
      ConnectLinkEndings1700000000011,
      LeftConnectLinks1700000000016,
    ],
    migrationsRun: true,
  }).initialize();
  vault = new Vault(new KeyRing({ VAULT_KEK: randomBytes(32).toString('base64') }), database);
});

afterAll(async () => {
  await database?.destroy();
  await stack?.stop();
});

beforeEach(async () => {
  table = new LinkTable(database, vault);
  hash = randomUUID();
  await table.put(row(), context());
});

const callback = (host: string) => `https://${host}/v1/connect/callback/bank`;
const row = (more: Partial<LinkStateRow> = {}): LinkStateRow => ({
  ...{ stateHash: hash, tenant, userId: 'u', serverId: 'bank', redirectUri: 'https://app.example/', shop: null },
  ...{ callbackUrl: callback('one.example'), sealedVerifier: 'first', expiresAt: new Date('2026-01-01T12:10:00Z') },
  ...more,
});
const context = () => contextFor(tenant);
const code = { code: 'c', verifier: 'v' };
/** As somebody comes back with it. */
const take = (by = table, received: TakenLink['received'] = code) =>
  by.take(hash, { serverId: 'bank', context: context() }, ({ stateHash, ...link }) => ({
    ...{ stateHash, link, expired: false, received },
  }));

describe('the start of a Connect Link that comes again', () => {
  const later = {
    ...{ callbackUrl: callback('two.example'), sealedVerifier: 'second', expiresAt: new Date('2026-01-01T12:25:00Z') },
  };

  it('begins its time anew', async () => {
    const made = "update connect_links set created_at = now() - interval '50 minutes' where state_hash = $1";
    await database.query(made, [hash]);
    const again = context();
    await table.put(row(later), again);
    expect((await take())?.link).toMatchObject(later);
    const found = (await table.find(hash))!;
    expect(found.made.request_id).toBe(again.request_id);
    expect(Date.now() - found.startedAt.getTime()).toBeLessThan(60_000);
  });

  it('is refused once the link was used or is over', async () => {
    await take();
    await expect(table.put(row(later), context())).rejects.toMatchObject({ code: 'GONE' });
    await table.end(hash, { type: 'RecordDenial' });
    await expect(table.put(row(later), context())).rejects.toMatchObject({ code: 'GONE' });
  });
});

describe('a Connect Link that somebody comes back with', () => {
  it('is used up with its code in the vault, so that whoever dies after that costs nobody the link', async () => {
    expect(await take()).toMatchObject({ received: code });
    expect([(await table.find(hash))?.step, await table.codeOf(hash)]).toEqual(['received', code]);
    expect(await take()).toBeNull();
  });

  it('is still open when the code could not be kept', async () => {
    const put = () => Promise.reject(new Error('the vault is away'));
    await expect(take(new LinkTable(database, { put } as unknown as Vault))).rejects.toThrow('the vault is away');
    expect(await table.isOpen(hash)).toBe(true);
    expect(await take()).toMatchObject({ received: code });
  });

  it('is used up also without a code', async () => {
    expect(await take(table, null)).toMatchObject({ received: null });
    expect([await table.isOpen(hash), await take()]).toEqual([false, null]);
  });

  it('is theirs also when the answer of the database is lost', async () => {
    let lost = 0;
    const transaction = async <T>(work: (db: EntityManager) => Promise<T>) => {
      const done = await database.transaction(work);
      if (lost++ === 0) throw new Error('Connection terminated unexpectedly');
      return done;
    };
    expect(await take(new LinkTable({ transaction } as unknown as DataSource, vault))).toMatchObject({
      received: code,
    });
    expect(lost).toBe(2);
    expect((await table.find(hash))?.returned).not.toHaveProperty('call');
    expect(await take()).toBeNull();
  });

  it('goes to one of two who come at once', async () => {
    const both = await Promise.all([take(), take()]);
    expect(both.filter((one) => one !== null)).toHaveLength(1);
  });
});

describe('Connect Links that were left', () => {
  /** Of one tenant who starts very many: `leased_until` long over, as an hour after their start. */
  const many = (count: number, step = 'ended') =>
    database.query(`insert into connect_links (state_hash, project_id, environment, user_id, server_id, redirect_uri,
        callback_url, sealed_verifier, expires_at, request, step, ending, leased_until)
      select gen_random_uuid(), 'prj_many', 'live', 'u', 'bank', '', '', '', now(), '{}', '${step}', '{}',
        now() - interval '1 hour' from generate_series(1, ${count}) n`);
  const leave = (ago: string) =>
    database.query(`update connect_links set leased_until = now() - interval '${ago}' where state_hash = $1`, [hash]);

  beforeEach(() => database.query('delete from connect_links where state_hash <> $1', [hash]));

  it('are taken up first where a person waits for a connection, however many others have ended before', async () => {
    await many(50);
    await take();
    await leave('1 second');
    const taken = await table.unfinished();
    expect([taken.length, taken.map(({ stateHash }) => stateHash).includes(hash)]).toEqual([20, true]);
  });

  it('are taken up also where the clock of the database was put back since', async () => {
    await take();
    await leave('-1 hour');
    expect((await table.unfinished()).map(({ stateHash }) => stateHash)).toEqual([hash]);
  });

  it('are taken up also where they only have to be put on record, however many a provider does not answer about', async () => {
    await many(50, 'received');
    await many(50);
    const steps = (await table.unfinished()).map(({ step }) => step);
    expect([steps.length, steps.filter((step) => step === 'ended').length]).toEqual([20, 5]);
  });

  it('are found without a look at all others', async () => {
    await many(2_000);
    await many(2_000, 'received');
    await many(2_000, 'open');
    await database.query('analyze connect_links');
    const asked = jest.spyOn(database, 'query');
    await table.unfinished();
    const text = asked.mock.calls[0]![0];
    asked.mockRestore();
    const [plan] = await database.query<[{ 'QUERY PLAN': unknown }]>(`explain (format json) ${text}`);
    expect(JSON.stringify(plan)).toMatch(/"Index Name":"connect_links_waited_for"/);
    expect(JSON.stringify(plan)).toMatch(/"Index Name":"connect_links_over"/);
    expect(JSON.stringify(plan)).not.toMatch(/"Node Type":"(Sort|Seq Scan)"/);
  });
});
