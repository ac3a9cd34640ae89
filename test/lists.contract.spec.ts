import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import type { ConnectionView } from '#contracts/connection.js';
import type { Page } from '#contracts/envelope.js';
import type { Ask } from '#contracts/subjects.js';
import type { Store } from '#service/store.js';
import { contextFor } from '#testing/callers.js';
import { ConnectionQueries } from '../apps/connection/src/connection-queries.js';
import { type Stack, startStack } from '#testing/stack.js';
import { Connections1700000000001 } from '../apps/connection/src/migrations/0001-connections.js';
import { PlatformConnections1700000000002 } from '../apps/connection/src/migrations/0002-platform-connections.js';
import { SubjectKeys1700000000003 } from '../apps/connection/src/migrations/0003-subject-keys.js';
import { ConnectionLists1700000000013 } from '../apps/connection/src/migrations/0013-connection-lists.js';
import { Banks1700000000014 } from '../apps/connection/src/migrations/0014-banks.js';
import { BankStates1700000000017 } from '../apps/connection/src/migrations/0017-bank-states.js';
import { AgentSessionUsers1700000000015 } from '../apps/connection/src/migrations/0015-agent-session-users.js';
import { IS_END_USER } from '../apps/connection/src/personal-text.controller.js';
import { type Filter, listOf, listStatement } from '../apps/connection/src/platform-list.js';
import { PlatformQueries } from '../apps/connection/src/platform-queries.js';
import { LinkSessionRow } from '../apps/link-session/src/link-session.view.js';
import { LinkSessions1700000000001 } from '../apps/link-session/src/migrations/0001-link-sessions.js';
import { SessionLists1700000000003 } from '../apps/link-session/src/migrations/0003-session-lists.js';
import { SessionQueries } from '../apps/link-session/src/session-queries.js';
import { blocksRead, type PlanMode } from './blocks-read.js';

const tenant = { project_id: 'prj_1', environment: 'live' as const };
const ROWS = 40_000;
const LIMIT = 20;
/** A page's rows of each of four states, each in a block of its own, and the way down the indexes; the table has ten times as many. */
const MOST_BLOCKS = 4 * (LIMIT + 1) + 40;

/** The old ones are connected or in trouble, all later ones revoked, so that looking for these reads past everything. */
const rows = `insert into connections (id, short_id, project_id, environment, user_id, server_id, auth_type, state, created_at,
    updated_at)
  select gen_random_uuid(), '', 'prj_' || 1 + n % 2, 'live', 'user ' || n % 5000,
    case when n % 100 = 2 then 'rare' else 'common' end, 'api_key',
    case when n > 400 then 'revoked' when n / 2 % 8 = 1 then 'error' when n / 2 % 8 = 3 then 'needs_reauth' else 'connected' end,
    to_char(timestamp '2026-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"'), ''
  from generate_series(1, ${ROWS}) n`;

/** Two users' among connections of other kinds, and the first ones of all; one of the users is one of many. */
const user = 'aaaaaaaa-0000-4000-8000-000000000001';
const otherUser = 'aaaaaaaa-0000-4000-8000-000000000002';
const banks = `update connections set provider = 'plaid', provider_item_id = '',
    user_id = case when created_at < '2026-01-01T00:03:00' then '${user}' else '${otherUser}' end
  where project_id = 'prj_1' and created_at < '2026-01-01T00:05:00'`;
const nobody = 'aaaaaaaa-0000-4000-8000-000000000003';
/** The platform may call somebody by a household user's id: a connection of theirs is no bank. */
const namesake = `update connections set user_id = '${user}' where project_id = 'prj_1' and created_at > '2026-01-01T11:00:00'`;
const users = `insert into users (id, short_id, project_id, environment, name, created_at, updated_at)
  select case when n = 1 then '${user}' else gen_random_uuid() end, '', 'prj_1', 'live', 'Ada',
    to_char(timestamp '2026-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"'), ''
  from generate_series(1, ${ROWS}) n`;

/** One more user's are among them. */
const sessions = `insert into agent_sessions (id, project_id, environment, user_id, servers, status, created_at)
  select gen_random_uuid(), 'prj_1', 'live', case when n = 7 then 'rare user' else 'user ' || n % 5000 end, '[]', 'active',
    to_char(timestamp '2026-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"')
  from generate_series(1, ${ROWS}) n`;

let stack: Stack;
let database: DataSource;
let client: Client;
let queries: PlatformQueries;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres'] });
  const url = stack.run().databases['connection']!;
  const before = {
    type: 'postgres' as const,
    url,
    migrations: [Connections1700000000001, PlatformConnections1700000000002, SubjectKeys1700000000003],
  };
  const old = await new DataSource({ ...before, migrationsRun: true }).initialize();
  await old.query(rows);
  await old.query(banks);
  await old.query(namesake);
  await old.query(users);
  await old.query(sessions);
  await old.destroy();
  const added = [
    ConnectionLists1700000000013,
    Banks1700000000014,
    AgentSessionUsers1700000000015,
    BankStates1700000000017,
  ];
  const migrations = [...before.migrations, ...added];
  database = await new DataSource({ ...before, migrations, migrationsRun: true }).initialize();
  await database.query('vacuum analyze connections');
  await database.query('vacuum analyze users');
  await database.query('vacuum analyze agent_sessions');
  queries = new PlatformQueries({ dataSource: database } as Store);
  client = new Client({ connectionString: url });
  await client.connect();
});

afterAll(async () => {
  await client?.end();
  await database?.destroy();
  await stack?.stop();
});

const blocksOf = (filter: Filter, mode: PlanMode) => blocksRead(client, listStatement(tenant, filter), mode);

const filters: Omit<Filter, 'limit'>[] = [
  {},
  ...(['connected', 'expired', 'revoked', 'pending'] as const).map((status) => ({ status })),
  { server_id: 'common' },
  { server_id: 'rare' },
  { server_id: 'nobody' },
  { server_id: 'common', status: 'connected' },
  { server_id: 'rare', status: 'expired' },
  { user_id: 'user 2' },
  { user_id: 'user 2', status: 'connected' },
  { user_id: 'user 2', server_id: 'common' },
  { user_id: 'user 2', server_id: 'rare', status: 'revoked' },
];

describe.each(filters)('connections by %j', (filter) => {
  it.each(['custom', 'generic'] as const)('cost a page, not the project, with a %s plan', async (mode) => {
    const page = { ...filter, limit: LIMIT };
    const { next_cursor: cursor } = await queries.connections(tenant, page);
    for (const one of cursor === null ? [page] : [page, { ...page, cursor }]) {
      expect(await blocksOf(one, mode)).toBeLessThanOrEqual(MOST_BLOCKS);
    }
  });

  it('are all of them, newest first, each on one page', async () => {
    const states = { connected: ['connected', 'error'], expired: ['needs_reauth'], revoked: ['revoked'], pending: [] };
    const { user_id = null, server_id = null, status } = filter;
    const expected = await database.query<{ id: string }[]>(
      `select id from connections where project_id = $1 and ($2::text is null or user_id = $2)
       and ($3::text is null or server_id = $3) and ($4::text[] is null or state = any($4))
       order by created_at desc, id desc limit 300`,
      [tenant.project_id, user_id, server_id, status ? states[status] : null],
    );
    const found: ConnectionView[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await queries.connections(tenant, { ...filter, limit: 100, ...(cursor && { cursor }) });
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor && found.length < 300);
    expect(found.slice(0, 300).map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  });
});

it('a list is another one for each set of filters', () => {
  expect(new Set(filters.map((filter) => listOf(tenant, { ...filter, limit: 1 }))).size).toBe(filters.length);
});

describe('an end user of whom the texts are to be erased', () => {
  const asked = (name: string) => ({ text: IS_END_USER, values: [tenant.project_id, tenant.environment, name] });

  it.each([
    ['who has sessions alone', 'rare user', true],
    ['who is nobody', 'no user', false],
  ])('%s is looked for without reading all sessions', async (_who, name, found) => {
    expect((await client.query(asked(name).text, asked(name).values)).rows).toEqual([{ found }]);
    for (const mode of ['custom', 'generic'] as const) {
      expect(await blocksRead(client, asked(name), mode)).toBeLessThan(20);
    }
  });
});

/** All pages of a list, and that none but the last has less than it may. */
async function pagesOf<Item>(limit: number, read: (page: { limit: number; cursor?: string }) => Promise<Page<Item>>) {
  const found: Item[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Item> = await read({ limit, ...(cursor !== null && { cursor }) });
    found.push(...page.items);
    cursor = page.next_cursor;
    if (cursor !== null) expect(page.items).toHaveLength(limit);
  } while (cursor !== null);
  return found;
}

describe('the household’s lists cost a page', () => {
  /** What is asked of the database for a list, and its answer. */
  function watched() {
    const asked: { text: string; values: unknown[] }[] = [];
    const query = async (statement: { text: string; values: unknown[] }) => {
      asked.push(statement);
      return client.query<Record<string, unknown>>(statement.text, statement.values);
    };
    return {
      asked,
      queries: new ConnectionQueries({ dataSource: { driver: { master: { query } } } } as unknown as Store),
    };
  }
  type Lists = InstanceType<typeof ConnectionQueries>;
  type Page = { limit: number; cursor?: string };

  it.each([
    ['of banks', (lists: Lists, page: Page) => lists.connections(tenant, page), 150],
    ['of users', (lists: Lists, page: Page) => lists.users(tenant, page), ROWS],
  ])('%s, wherever it begins', async (_, list, count) => {
    const { asked, queries: lists } = watched();
    const half = await list(lists, { limit: Math.ceil(count / 2) });
    const rest = await list(lists, { limit: LIMIT, cursor: half.next_cursor! });
    const first = await list(lists, { limit: LIMIT });
    expect(rest.items).toHaveLength(LIMIT);
    expect(first.items[0]).toEqual(half.items[0]);
    for (const statement of asked.slice(1)) {
      for (const mode of ['custom', 'generic'] as const) {
        expect(await blocksRead(client, statement, mode)).toBeLessThanOrEqual(MOST_BLOCKS);
      }
    }
  });
});

describe('the household’s banks', () => {
  type BankFilter = { user_id?: string; status?: 'active' | 'pending_reauth'; state?: string };

  it.each([
    ['of everybody', {}],
    ['of a user', { user_id: user }],
    ['of another user', { user_id: otherUser }],
    ['of nobody', { user_id: nobody }],
    ['that need a new sign-in', { status: 'pending_reauth' as const, state: 'needs_reauth' }],
    ['of a user that are active', { user_id: user, status: 'active' as const, state: 'connected' }],
  ])('%s are all of them, newest first', async (_, { state, ...filter }: BankFilter) => {
    const lists = new ConnectionQueries({ dataSource: database } as Store);
    const expected = await database.query<{ id: string }[]>(
      `select id from connections where project_id = $1 and provider is not null and ($2::text is null or user_id = $2)
         and ($3::text is null or state = $3) order by created_at desc, id desc`,
      [tenant.project_id, filter.user_id ?? null, state ?? null],
    );
    const found = await pagesOf(LIMIT, (page) => lists.connections(tenant, { ...page, ...filter }));
    expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
  });
});

describe('link sessions', () => {
  const bank = 'bbbbbbbb-0000-4000-8000-000000000001';
  const otherBank = 'bbbbbbbb-0000-4000-8000-000000000002';
  const statuses = ['pending', 'active', 'completed', 'failed', 'expired', 'consumed'] as const;
  const turn = <Item>(items: readonly Item[], n: number) => items[n % items.length]!;
  const second = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString();
  const blank = { short_id: '', redirect_url: '', label: '', result_connection_ids: [] };
  const none = { error_code: null, error_message: null, started_at: null, completed_at: null, last_refusal: null };

  /** Two at a time; the time of some has passed, and some of these have an attempt that may still end well. */
  const rows: LinkSessionRow[] = Array.from({ length: 600 }, (_, n) => ({
    ...blank,
    ...none,
    id: randomUUID(),
    project_id: turn(['prj_1', 'prj_1', 'prj_1', 'prj_2'], n >> 3),
    environment: turn(['live', 'live', 'live', 'live', 'test'], n),
    user_id: turn([user, otherUser, user], n >> 1),
    connection_id: turn([null, bank, null, otherBank], n >> 2),
    provider: '',
    action: 'link',
    single_use: n % 2 === 0,
    status: turn(statuses, n % 7),
    expires_at: turn([second(600), '9999-12-31T23:59:59.999Z', second(700)], n >> 4),
    in_flight: turn([[], [], [randomUUID()]], n >> 5),
    created_at: second(n >> 1),
  }));
  const isDue = ({ status, expires_at, in_flight }: LinkSessionRow) =>
    (status === 'pending' || status === 'active') && expires_at < '2026-02' && in_flight.length === 0;
  const seen = (row: LinkSessionRow) => ({ id: row.id, status: isDue(row) ? ('expired' as const) : row.status });
  const newestFirst = (one: LinkSessionRow, other: LinkSessionRow) =>
    one.created_at + one.id < other.created_at + other.id ? 1 : -1;
  const own = rows
    .filter(({ project_id, environment }) => project_id === 'prj_1' && environment === 'live')
    .sort(newestFirst);

  let sessions: DataSource;
  beforeAll(async () => {
    sessions = await new DataSource({
      type: 'postgres',
      url: stack.run().databases['link_session']!,
      entities: [LinkSessionRow],
      migrations: [LinkSessions1700000000001, SessionLists1700000000003],
      migrationsRun: true,
    }).initialize();
    await sessions.getRepository(LinkSessionRow).insert(rows);
  });
  afterAll(() => sessions?.destroy());

  type Filter = Omit<Ask<'link-session.list'>, 'context' | 'limit'>;
  const window = { created_after: second(100), created_before: second(200) };
  const narrowings: Filter[] = [
    {},
    { user_id: user },
    { user_id: otherUser },
    { connection_id: bank },
    { created_after: second(100) },
    { created_before: second(100) },
    window,
    { user_id: user, connection_id: otherBank, created_after: second(50) },
  ];
  const filters = narrowings.flatMap((filter) => [filter, ...statuses.map((status) => ({ ...filter, status }))]);

  it.each(filters)('by %j are all of them, newest first, as they are now', async (filter) => {
    const { status, user_id, connection_id, created_after = '', created_before = '9' } = filter;
    const expected = own.filter(
      (row) =>
        (status === undefined || seen(row).status === status) &&
        (user_id === undefined || row.user_id === user_id) &&
        (connection_id === undefined || row.connection_id === connection_id) &&
        row.created_at >= created_after &&
        row.created_at < created_before,
    );
    const queries = new SessionQueries({ dataSource: sessions } as Store);
    const found = await pagesOf(7, (page) => queries.list({ context: contextFor(tenant), ...filter, ...page }));
    expect(found.map(({ id, status }) => ({ id, status }))).toEqual(expected.map(seen));
    // Else nothing is proven.
    expect(expected.length).toBeGreaterThan(0);
    if (filter !== filters[0]) expect(expected.length).toBeLessThan(own.length);
  });

  it('are among the expired also when nothing has recorded it, and when it has', () => {
    const expired = own.filter((row) => seen(row).status === 'expired');
    expect(new Set(expired.map(({ status }) => status))).toEqual(new Set(['pending', 'active', 'expired']));
  });
});
