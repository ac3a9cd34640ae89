import { DataSource, type DataSourceOptions } from 'typeorm';

/** So soon it is asked whether a connection on which nothing happens still has another end. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 5_000 };

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
  extra: { ...KEEP_ALIVE, connectionTimeoutMillis: 2_000, query_timeout: 2_000, statement_timeout: 1_800 },
});

/** Its tables are up to date. */
export async function openDatabase(options: DataSourceOptions): Promise<DataSource> {
  await migrate(options);
  return new DataSource(options).initialize();
}

/** A migration may take long: making an index over a million rows does. */
async function migrate(options: DataSourceOptions): Promise<void> {
  const extra = { ...KEEP_ALIVE, connectionTimeoutMillis: 2_000 };
  const patient = { ...options, entities: [], migrationsRun: true, extra } as DataSourceOptions;
  await (await new DataSource(patient).initialize()).destroy();
}
