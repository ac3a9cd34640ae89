import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { ConnectionView } from '#contracts/connection.js';
import { logger } from '#service/logger.js';
import type { Bus } from '#service/bus.js';
import type { Store } from '#service/store.js';
import { until } from '#testing/api.js';
import { contextFor } from '#testing/callers.js';
import { type Stack, startStack } from '#testing/stack.js';
import { AttemptJournal } from '../apps/connection/src/attempt-journal.js';
import { CredentialStorage } from '../apps/connection/src/credential-storage.js';
import { LinkAttempt } from '../apps/connection/src/link-attempt.entity.js';
import { ConnectionQueries } from '../apps/connection/src/connection-queries.js';
import type { ConnectionViews } from '../apps/connection/src/connection-views.js';
import type { Connections } from '../apps/connection/src/connections.service.js';
import { Connections1700000000001 } from '../apps/connection/src/migrations/0001-connections.js';
import { PlatformConnections1700000000002 } from '../apps/connection/src/migrations/0002-platform-connections.js';
import { WebhookDeliveries1700000000004 } from '../apps/connection/src/migrations/0004-webhook-deliveries.js';
import { ConnectLinks1700000000005 } from '../apps/connection/src/migrations/0005-connect-links.js';
import { ConnectLinkEndings1700000000011 } from '../apps/connection/src/migrations/0011-connect-link-endings.js';
import { DeliveryRevisions1700000000012 } from '../apps/connection/src/migrations/0012-delivery-revisions.js';
import type { FinishLinks } from '../apps/connection/src/oauth/finish-links.js';
import { KeepFresh } from '../apps/connection/src/oauth/keep-fresh.js';
import type { OAuthClients } from '../apps/connection/src/oauth/oauth-clients.js';
import type { OAuthTokens } from '../apps/connection/src/oauth/oauth-tokens.js';
import { TokenTable } from '../apps/connection/src/oauth/token-table.js';
import { CALL_DEADLINE_MS } from '../apps/connection/src/providers/provider.js';
import { UserController } from '../apps/connection/src/user.controller.js';
import { Users } from '../apps/connection/src/users.service.js';
import { KeyRing } from '../apps/connection/src/vault/key-ring.js';
import { type Slot, Vault } from '../apps/connection/src/vault/vault.service.js';
import { type Stretch, stretchAfter } from '../apps/connection/src/vault/vault-stretch.js';
import { WebhookDeliveries } from '../apps/connection/src/webhook-deliveries.js';

const tenant = { project_id: 'prj_1', environment: 'live' as const };

let stack: Stack;
let database: DataSource;
let vault: Vault;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres'] });
  database = await new DataSource({
    type: 'postgres',
    url: stack.run().databases['connection']!,
    entities: [LinkAttempt],
    migrations: [
      Connections1700000000001,
      PlatformConnections1700000000002,
      WebhookDeliveries1700000000004,
      ConnectLinks1700000000005,
      ConnectLinkEndings1700000000011,
      DeliveryRevisions1700000000012,
    ],
    migrationsRun: true,
  }).initialize();
  vault = new Vault(new KeyRing({ VAULT_KEK: randomBytes(32).toString('base64') }), database);
});

afterEach(() => void jest.restoreAllMocks());

afterAll(async () => {
  await database?.destroy();
  await stack?.stop();
});

const rowsOf = (connectionId: string) =>
  database.query<{ field: string; version: number }[]>(
    'select field, version from vault_entries where connection_id = $1 order by field, version',
    [connectionId],
  );

/** A row as the view writes it; the columns that no test is about hold anything. */
async function connection(more: { token_refresh_at?: string; credential_version?: number } = {}): Promise<string> {
  const id = randomUUID();
  await database.query(
    `insert into connections (id, short_id, project_id, environment, server_id, auth_type, state, created_at, updated_at,
       token_refresh_at, credential_version) values ($1, '', $2, $3, 'asaas', 'oauth', 'connected', '', '', $4, $5)`,
    [id, tenant.project_id, tenant.environment, more.token_refresh_at ?? null, more.credential_version ?? null],
  );
  return id;
}

describe('refreshes that fail', () => {
  /** Whom each round asked for. */
  const rounds: string[][] = [];
  const failing = new Set<string>();
  /** Providers of Connect Links that never answer keep no refresh waiting. */
  const links = { resume: () => new Promise(() => undefined) } as unknown as FinishLinks;
  const registered = { of: () => ({}) } as unknown as OAuthClients;
  const fresh = async (id: string) => {
    rounds.at(-1)!.push(id);
    if (failing.has(id)) throw new Error('provider_rejected');
    await database.query('update connections set token_refresh_at = null where id = $1', [id]);
    return null;
  };
  const due = (minutesAgo: number) =>
    connection({ token_refresh_at: new Date(Date.now() - minutesAgo * 60_000).toISOString() });
  const roundOf = (id: string) =>
    until(
      () => Promise.resolve(rounds.find((round) => round.includes(id))),
      (round) => round !== undefined,
    );
  let keeper: KeepFresh | undefined;

  beforeAll(async () => {
    logger.level = 'silent';
    for (let n = 0; n < 20; n++) failing.add(await due(60));
    const query = (text: string, values: unknown[]) => {
      if (text.includes('order by')) rounds.push([]);
      return database.query(text, values);
    };
    const tokens = { fresh, isInHand: () => false, forgetOutdated: () => Promise.resolve() } as unknown as OAuthTokens;
    keeper = new KeepFresh({ query } as DataSource, tokens, links, registered);
    keeper.onApplicationBootstrap();
  });
  afterAll(() => void keeper?.beforeApplicationShutdown());

  it('keep nobody else waiting, however many and old they are', async () => {
    expect(await roundOf(await due(1))).toHaveLength(1);
  });

  it('come after all others when their pause is over', async () => {
    const next = await due(0);
    const now = Date.now;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + 20_000);
    expect((await roundOf(next))![0]).toBe(next);
  });

  it('are remembered only as long as they are due', async () => {
    const [one] = failing;
    const times = () => Promise.resolve(rounds.flat().filter((id) => id === one).length);
    const setDue = (at: number) =>
      database.query('update connections set token_refresh_at = $2 where id = $1', [one, new Date(at).toISOString()]);
    await setDue(Date.now() + 3_600_000);
    // In the round that takes this one, or in one before, the pause is forgotten.
    await roundOf(await due(0));
    const before = await times();
    await setDue(Date.now() - 60_000);
    await until(times, (now) => now > before);
  });
});

/** Of a bank, whose person has come back from its dialog. */
const receivedAttempt = () => attemptThatIs('received');

async function attemptThatIs(state: LinkAttempt['state'], user_id = randomUUID()) {
  const [attempt_id, connection_id] = [randomUUID(), randomUUID()];
  await database.getRepository(LinkAttempt).insert({
    ...{ ...tenant, attempt_id, connection_id, session_id: randomUUID(), user_id },
    ...{ token_hash: '', request_id: '', address: null, needed_repair: false },
    ...{ action: 'link', provider: 'plaid', state, facts: null },
  });
  return { attempt_id, connection_id };
}

describe('the lease of an attempt', () => {
  const bank = { provider_item_id: 'item', institution_id: null, institution_name: null, accounts_fingerprint: null };
  let journal: AttemptJournal;
  let id: string;
  let connectionId: string;
  let first: LinkAttempt;

  beforeEach(async () => {
    journal = new AttemptJournal(database, vault);
    ({ attempt_id: id, connection_id: connectionId } = await receivedAttempt());
    first = (await journal.lease(id))!;
  });
  const endLease = () =>
    database.query("update link_attempts set leased_until = now() - interval '1 second' where attempt_id = $1", [id]);

  it('outlasts the slowest bank: the claim, three calls and the record', async () => {
    expect(first.leased_until!.getTime() - Date.now()).toBeGreaterThan(4_500 + 3 * CALL_DEADLINE_MS + 4_500);
    expect(await journal.lease(id)).toBeNull();
  });

  it('is what its facts are written under', async () => {
    expect(await journal.learn(first, { bank }, 'token')).toMatchObject({ state: 'learnt' });
    expect(await journal.find(id)).toMatchObject({ state: 'learnt', facts: { bank } });
    expect(await rowsOf(connectionId)).toHaveLength(1);
  });

  it('is over once another worker has one: the first writes nothing and must not go on', async () => {
    await endLease();
    const second = (await journal.lease(id))!;
    await expect(journal.learn(first, { bank }, 'token')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect([(await journal.find(id))!.state, await rowsOf(connectionId)]).toEqual(['received', []]);
    await journal.release(first);
    expect((await journal.find(id))!.leased_until).toEqual(second.leased_until);
    expect(await journal.learn(second, { bank }, 'token')).toMatchObject({ state: 'learnt' });
  });

  it('is over for who would refuse it, too: what another worker has linked is not removed', async () => {
    await endLease();
    const second = (await journal.lease(id))!;
    await expect(journal.assertLeased(first)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(journal.markUnwanted(first)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await journal.find(id))!.state).toBe('received');
    await journal.assertLeased(second);
    expect(await journal.markUnwanted(second)).toMatchObject({ state: 'unwanted' });
  });

  it('does not do for another step in its last seconds', async () => {
    await database.query("update link_attempts set leased_until = now() + interval '4 seconds' where attempt_id = $1", [
      id,
    ]);
    const late = (await journal.find(id))!;
    await expect(journal.assertLeased(late)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is over when the clock of the database was put back since', async () => {
    await database.query("update link_attempts set leased_until = now() + interval '1 hour' where attempt_id = $1", [
      id,
    ]);
    expect(await journal.unfinished()).toContain(id);
    expect(await journal.lease(id)).not.toBeNull();
  });

  it('is over once another worker has finished the attempt', async () => {
    await journal.close(first);
    await expect(journal.learn(first, { bank }, 'token')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await rowsOf(connectionId)).toEqual([]);
  });
});

it('the lease of a refresh is over for others when the clock of the database was put back since', async () => {
  const leases = new TokenTable(database, vault);
  const id = randomUUID();
  const taken = (by: string) => leases.takeLease(id, by, 20_000);
  const [mine, other] = [randomUUID(), randomUUID()];
  expect([await taken(mine), await taken(other), await taken(mine)]).toEqual([true, false, true]);
  await database.query("update token_leases set until = now() + interval '1 hour' where connection_id = $1", [id]);
  expect(await taken(other)).toBe(true);
});

describe('attempts that cannot go on', () => {
  it('keep no later one waiting, however many they are', async () => {
    const journal = new AttemptJournal(database, vault);
    for (let n = 0; n < 20; n++) await receivedAttempt();
    // As a round leaves them whose pause is over.
    await database.query("update link_attempts set leased_until = now() - interval '1 second'");
    const untouched = await receivedAttempt();
    const died = await receivedAttempt();
    await database.query("update link_attempts set leased_until = now() - interval '1 minute' where attempt_id = $1", [
      died.attempt_id,
    ]);
    expect((await journal.unfinished()).slice(0, 2)).toEqual([untouched.attempt_id, died.attempt_id]);
  });
});

describe('a person who comes back from the bank while their user is deleted', () => {
  const context = contextFor(tenant);
  const journal = () =>
    new AttemptJournal(database, Object.assign(Object.create(vault) as Vault, { unseal: () => 'token' }));
  /** Of whose users each deletion waits for `deleted`. */
  const controller = (deleted: Promise<string>, begins = () => undefined) => {
    const store = { dataSource: database } as Store;
    const doing = { read: () => Promise.resolve(), delete: () => (begins(), deleted) };
    const users = Object.assign(new Users(store), doing as unknown as Users);
    const queries = new ConnectionQueries(store);
    const bus = { broadcast: () => Promise.resolve() } as unknown as Bus;
    return new UserController(users, queries, {} as ConnectionViews, {} as Connections, bus);
  };

  it('waits until the user is gone when the deletion was first', async () => {
    const id = randomUUID();
    const { attempt_id } = await attemptThatIs('started', id);
    const attempt = (await journal().find(attempt_id))!;
    let ends!: (position: string) => void;
    const deleted = new Promise<string>((resolve) => (ends = resolve));
    const begun = new Promise<void>((begins) => {
      void controller(deleted, () => void begins()).delete({ context, id });
    });
    await begun;
    let isReceived = false;
    const receiving = journal()
      .receive(attempt, 'sealed')
      .then(() => (isReceived = true));
    const waiting = () =>
      database.query<unknown[]>(`select 1 from pg_locks where locktype = 'advisory' and not granted`);
    await until(waiting, ({ length }) => length === 1);
    expect(isReceived).toBe(false);
    ends('7');
    await receiving;
    expect(await journal().find(attempt_id)).toMatchObject({ state: 'received' });
  });

  it('keeps the user from being deleted when they were first', async () => {
    const id = randomUUID();
    const { attempt_id } = await attemptThatIs('started', id);
    const attempt = (await journal().find(attempt_id))!;
    await journal().receive(attempt, 'sealed');
    const deletion = controller(Promise.resolve('7')).delete({ context, id });
    await expect(deletion).rejects.toMatchObject({ code: 'USER_HAS_DEPENDENTS' });
  });

  it('is looked for by any number of deletions at once: they leave each other connections to ask over', async () => {
    const deleting = controller(Promise.resolve('7'));
    const ids = Array.from({ length: 40 }, () => randomUUID());
    const answers = await Promise.all(ids.map((id) => deleting.delete({ context, id })));
    expect(answers).toHaveLength(ids.length);
  });
});

describe('a sweep of the vault', () => {
  let storage: CredentialStorage;
  beforeEach(() => void (storage = new CredentialStorage(vault, database)));

  const slot = (connection_id: string, field: Slot['field']): Slot => ({ ...tenant, connection_id, field });
  const put = (connectionId: string, field: Slot['field']) =>
    vault.put(database.manager, slot(connectionId, field), 's');
  const age = (connectionId: string) =>
    database.query("update vault_entries set created_at = now() - interval '11 minutes' where connection_id = $1", [
      connectionId,
    ]);
  const everything = { after: null, upTo: null };
  const suspectsOf = async (connectionId: string) =>
    (await storage.suspects(everything)).filter(({ connection_id }) => connection_id === connectionId);
  const fieldsOf = async (connectionId: string) => (await suspectsOf(connectionId)).map(({ field }) => field).sort();

  const fields = ['access_token', 'credential', 'refreshed 3', 'webhook_secret'] as const;

  it('takes all that a deleted connection has left, once it is old, but for attempts under way', async () => {
    const gone = randomUUID();
    for (const field of [...fields, 'attempt 1'] as const) await put(gone, field);
    expect(await fieldsOf(gone)).toEqual([]);
    await age(gone);
    expect(await fieldsOf(gone)).toEqual(fields);
    for (const suspect of await suspectsOf(gone)) await storage.destroyUnlessNamed(suspect, null);
    expect(await rowsOf(gone)).toEqual([{ field: 'attempt 1', version: 1 }]);
  });

  it('takes nothing that its connection still needs, also when the row of it is late', async () => {
    const [live, late] = [await connection({ credential_version: 1 }), randomUUID()];
    for (const id of [live, late]) {
      for (const field of ['access_token', 'credential', 'refreshed 1'] as const) await put(id, field);
      await age(id);
    }
    expect(await suspectsOf(live)).toEqual([]);
    const view = { id: late, credential_version: 1 } as ConnectionView;
    for (const suspect of await suspectsOf(late)) await storage.destroyUnlessNamed(suspect, view);
    expect(await rowsOf(late)).toHaveLength(3);
  });

  it('takes what a refresh has given for a credential that was replaced since, once it is old', async () => {
    const id = await connection({ credential_version: 3 });
    const view = { id, credential_version: 3 } as ConnectionView;
    for (const field of ['refreshed 2', 'refreshed 3'] as const) await put(id, field);
    expect(await fieldsOf(id)).toEqual([]);
    await age(id);
    const suspects = await suspectsOf(id);
    for (const suspect of suspects) await storage.destroyUnlessNamed(suspect, { ...view, credential_version: 2 });
    expect(await rowsOf(id)).toHaveLength(2);
    for (const suspect of suspects) await storage.destroyUnlessNamed(suspect, view);
    expect(await rowsOf(id)).toEqual([{ field: 'refreshed 3', version: 1 }]);
  });

  it('takes no token of a bank whose attempt is not recorded yet', async () => {
    const { connection_id } = await receivedAttempt();
    await put(connection_id, 'access_token');
    await age(connection_id);
    expect(await suspectsOf(connection_id)).toEqual([]);
  });

  it('spares a secret that was given the number of one that another sweep has destroyed', async () => {
    const id = await connection({ credential_version: 1 });
    for (const secret of ['live', 'orphan']) await vault.putNext(slot(id, 'credential'), secret);
    await age(id);
    const [orphan] = await suspectsOf(id);
    await storage.destroyUnlessNamed(orphan!, null);
    expect(await vault.putNext(slot(id, 'credential'), 'new')).toBe(orphan!.version);
    await storage.destroyUnlessNamed(orphan!, null);
    expect(await vault.read(slot(id, 'credential'), orphan!.version)).toBe('new');
  });

  it('leaves a version free that a stream names, though its row was not put back', async () => {
    const id = randomUUID();
    const versionAbove = (above: number) => vault.putNext(slot(id, 'credential'), 'secret', above);
    expect([await versionAbove(0), await versionAbove(0), await versionAbove(5), await versionAbove(1)]).toEqual([
      1, 2, 6, 7,
    ]);
  });

  it('comes by every row, however few it looks at in one go, and begins anew', async () => {
    const gone = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of gone) {
      await put(id, 'access_token');
      await put(id, 'credential');
      await age(id);
    }
    const seen: string[] = [];
    let stretch: Stretch = everything;
    do {
      stretch = await stretchAfter(database, stretch.upTo, 1);
      seen.push(...(await storage.suspects(stretch)).map(({ connection_id, field }) => `${connection_id} ${field}`));
    } while (stretch.upTo);
    const ours = gone.flatMap((id) => [`${id} access_token`, `${id} credential`]);
    expect(seen.filter((name) => ours.includes(name))).toEqual(ours.sort());
    const [first, again] = [await storage.nextStretch(), await storage.nextStretch()];
    expect([first, again]).toEqual([everything, everything]);
  });

  it('spares what was put again lately', async () => {
    const gone = randomUUID();
    await put(gone, 'access_token');
    await age(gone);
    await put(gone, 'access_token');
    expect(await suspectsOf(gone)).toEqual([]);
  });
});

describe('deliveries to connections that were deleted', () => {
  const MINUTE = 61_000;
  let deliveries: WebhookDeliveries;
  beforeEach(() => void (deliveries = new WebhookDeliveries(database)));
  afterEach(() => database.query('truncate webhook_deliveries'));

  const receive = (id: string, many: number, minutesAgo = 11) =>
    database.query(
      `insert into webhook_deliveries (connection_id, delivery_id, received_at, sealed)
       select $1, n, now() - $3 * interval '1 minute', 's' from generate_series(1, $2::int) n`,
      [id, many, minutesAgo],
    );
  const left = async (id: string) =>
    (await database.query<unknown[]>('select from webhook_deliveries where connection_id = $1', [id])).length;

  it('go once they are old, however many they are, and those of no other connection', async () => {
    const [gone, many, live, late] = [randomUUID(), randomUUID(), await connection(), randomUUID()];
    for (const id of [gone, live]) await receive(id, 3);
    await receive(many, 2_300);
    await receive(late, 3, 9);
    let now = Date.now();
    for (let round = 0; round < 3; round++) await deliveries.sweep(now++);
    expect(await Promise.all([gone, many, live, late].map(left))).toEqual([0, 0, 3, 3]);
  });

  it('are found behind any number of connections, and before those looked at last', async () => {
    const [first, last] = ['00000000-0000-4000-8000-000000000000', 'ffffffff-ffff-4fff-bfff-ffffffffffff'];
    await database.query(
      "insert into webhook_deliveries (connection_id, delivery_id) select gen_random_uuid(), 'young' from generate_series(1, 2500)",
    );
    await receive(last, 1);
    const minutes: number[] = [];
    for (const minute of [1, 2]) {
      await deliveries.sweep(Date.now() + minute * MINUTE);
      minutes.push(await left(last));
    }
    await receive(first, 1);
    await deliveries.sweep(Date.now() + 3 * MINUTE);
    expect([minutes, await left(first)]).toEqual([[1, 0], 0]);
  });

  it('go with the deletion, as many as one statement can delete', async () => {
    const [id, other] = [randomUUID(), randomUUID()];
    await receive(id, 1_100, 0);
    await receive(other, 1, 0);
    await deliveries.forget(id);
    expect([await left(id), await left(other)]).toEqual([100, 1]);
  });
});
