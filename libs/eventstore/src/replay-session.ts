import { Client, type QueryConfig, type QueryResult, type QueryResultRow } from 'pg';
import type { DataSource } from 'typeorm';
import type { View } from './view.js';

/** An answer takes no longer, from a host that is there. */
const PATIENCE_MS = 10_000;
/** Except when a whole table is worked on. While such a question is open the system asks whether the host is still there. */
const LONG_PATIENCE_MS = 30 * 60_000;

/** A session of its own, without the short patience of the pool. */
export async function openSession(dataSource: DataSource): Promise<Client> {
  const { url } = dataSource.options as { url: string };
  const connection = new Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: PATIENCE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  });
  connection.on('error', () => undefined); // The next query says so.
  await connection.connect();
  // What a crash takes back is built again. A table that grows from nothing is not to be read to its end for each batch. And
  // every read walks an index: rough statistics will do until autovacuum makes better ones.
  await connection.query('set synchronous_commit = off; set enable_seqscan = off; set default_statistics_target = 10');
  // Whoever is stopped or cut off in the middle is let go of.
  await connection.query(`set idle_in_transaction_session_timeout = '60s'; set idle_session_timeout = '60s';
    set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2; set tcp_keepalives_count = 3`);
  return connection;
}

/** What a replay of a view locks, for as long as its session is there; `view` is an expression. */
export const replayLock = (view: string): string =>
  `hashtextextended('replay ' || current_schema() || ' ' || ${view}, 0)`;

/** One replica replays a view at a time. */
export async function lock(connection: Client, view: View): Promise<boolean> {
  const text = `select pg_try_advisory_lock(${replayLock('$1')}) as mine`;
  return (await connection.query<{ mine: boolean }>(text, [view.name])).rows[0]!.mine;
}

/** A question about a whole table. */
export function askPatiently<Row extends QueryResultRow>(connection: Client, text: string): Promise<QueryResult<Row>> {
  const patiently = { text, query_timeout: LONG_PATIENCE_MS } as QueryConfig;
  return connection.query<Row>(patiently);
}
