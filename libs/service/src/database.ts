import type { Client, Pool } from 'pg';
import { DataSource, type DataSourceOptions, MigrationExecutor } from 'typeorm';
import { poolOf } from '#eventstore/pool.js';
import { logger } from './logger.js';
import { tellMigrating } from './process.js';

const CONNECTION = {
  connectionTimeoutMillis: 2_000,
  // So soon it is asked whether a connection on which nothing happens still has another end.
  keepAlive: true,
  keepAliveInitialDelayMillis: 5_000,
  // Between its pool and TypeORM nobody listens to a new connection: one that is cut just then would end the process.
  onConnect: (client: Client) => void client.on('error', () => undefined),
};

/** pg's own defaults hang for ever on a black-holed connection; these fail in two seconds and heal. */
export const databaseOptions = (
  url: string,
  { entities, migrations }: Pick<DataSourceOptions, 'entities' | 'migrations'>,
) => ({
  type: 'postgres' as const,
  url,
  entities,
  migrations,
  retryAttempts: 20,
  retryDelay: 500,
  poolSize: 12,
  extra: { ...CONNECTION, query_timeout: 2_000, statement_timeout: 1_800 },
});

/** Its tables are up to date. */
export async function openDatabase(options: DataSourceOptions): Promise<DataSource> {
  await migrate(options);
  const database = await new DataSource(options).initialize();
  dropUnanswered(poolOf(database));
  return database;
}

/**
 * A migration may take long: making an index over a million rows does. But while it waits for a table, all who come after
 * it wait, too; so it gives way before they give up, and whoever starts the service tries again.
 */
async function migrate(options: DataSourceOptions): Promise<void> {
  const extra = { ...CONNECTION, lock_timeout: 1_000 };
  const database = await new DataSource({ ...options, entities: [], extra }).initialize();
  try {
    const pending = await new MigrationExecutor(database).getPendingMigrations();
    if (pending.length > 0) await runPending(database, { migrations: pending.map(({ name }) => name) });
  } finally {
    await database.destroy();
  }
}

async function runPending(database: DataSource, names: { migrations: string[] }): Promise<void> {
  logger.info(names, 'the tables are brought up to date, which may take minutes where they are large');
  tellMigrating(true);
  try {
    await database.runMigrations();
  } finally {
    tellMigrating(false);
  }
  logger.info(names, 'the tables are up to date');
}

/**
 * A connection that did not answer in time comes back to the pool from TypeORM like any other, and would be handed out next,
 * until the system finds its other end gone, a quarter of an hour later. The driver has no public word for it.
 */
function dropUnanswered(pool: Pool): void {
  pool.on('release', (_error, client) => {
    const { _activeQuery: unanswered } = client as unknown as { _activeQuery: unknown };
    if (unanswered) void (client as unknown as Client).end();
  });
}
