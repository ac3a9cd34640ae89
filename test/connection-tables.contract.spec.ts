import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { logger } from '#service/logger.js';
import { until } from '#testing/api.js';
import { type Stack, startStack } from '#testing/stack.js';
import { Connections1700000000001 } from '../apps/connection/src/migrations/0001-connections.js';
import { PlatformConnections1700000000002 } from '../apps/connection/src/migrations/0002-platform-connections.js';
import { ConnectLinks1700000000005 } from '../apps/connection/src/migrations/0005-connect-links.js';
import type { ConnectLinks } from '../apps/connection/src/oauth/connect-links.service.js';
import { KeepFresh } from '../apps/connection/src/oauth/keep-fresh.js';
import type { OAuthTokens } from '../apps/connection/src/oauth/oauth-tokens.js';

const tenant = { project_id: 'prj_1', environment: 'live' as const };

let stack: Stack;
let database: DataSource;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres'] });
  database = await new DataSource({
    type: 'postgres',
    url: stack.run().databases['connection']!,
    migrations: [Connections1700000000001, PlatformConnections1700000000002, ConnectLinks1700000000005],
    migrationsRun: true,
  }).initialize();
});

afterEach(() => void jest.restoreAllMocks());

afterAll(async () => {
  await database?.destroy();
  await stack?.stop();
});

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
  const links = { resume: () => Promise.resolve(void rounds.push([])) } as unknown as ConnectLinks;
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
    keeper = new KeepFresh(database, { fresh } as unknown as OAuthTokens, links);
    keeper.onApplicationBootstrap();
  });
  afterAll(() => keeper?.onApplicationShutdown());

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
