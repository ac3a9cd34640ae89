import { Client, Pool, type ClientBase, type ClientConfig, type QueryArrayConfig } from 'pg';
import { SCHEMA, SESSION_SETTINGS, TYPES, WRITER_LOCK } from './sql.js';

const READERS = 4;

/** A prepared statement: planned once per connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Runs a statement and answers its rows as arrays. */
export type Query = <Row extends unknown[]>(statement: Statement, values: readonly unknown[]) => Promise<Row[]>;

export interface Database {
  /** The writer's own session, which holds the lock. */
  readonly write: Query;
  readonly read: Query;
  close(): Promise<void>;
}

/**
 * Connects, takes the writer lock and creates the table.
 *
 * `onLost` is called once when the writer's session ends without `close`: this process must not go on, for another
 * may already be writing.
 */
export async function openDatabase(url: string, onLost: (error: Error) => void): Promise<Database> {
  const writer = new Client(settings(url));
  let isOpen = false;
  // An error while opening also rejects what is being awaited.
  writer.on('error', (error) => isOpen && onLost(error));
  writer.on('end', () => isOpen && onLost(new Error('the writer session ended')));
  await writer.connect();
  try {
    await takeLock(writer);
    await writer.query(SESSION_SETTINGS);
    await writer.query(SCHEMA);
  } catch (error) {
    await writer.end();
    throw error;
  }
  isOpen = true;
  const pool = readers(url);
  return {
    write: (statement, values) => rows(writer, statement, values),
    read: (statement, values) => rows(pool, statement, values),
    close: async () => {
      isOpen = false;
      await Promise.all([writer.end(), pool.end()]);
    },
  };
}

/** A Postgres that does not answer within these times counts as lost: without them the driver waits for ever. */
const settings = (connectionString: string): ClientConfig => ({
  connectionString,
  connectionTimeoutMillis: 2_000,
  query_timeout: 10_000,
  keepAlive: true,
});

function readers(url: string): Pool {
  const onConnect = (client: ClientBase) => client.query(SESSION_SETTINGS);
  const pool = new Pool({ ...settings(url), max: READERS, onConnect: onConnect as (client: ClientBase) => void });
  // A reader that breaks while idle is replaced by the pool; a broken query rejects for its caller.
  pool.on('error', () => undefined);
  return pool;
}

async function takeLock(writer: Client): Promise<void> {
  const { rows: answer } = await writer.query<{ pg_try_advisory_lock: boolean }>(WRITER_LOCK);
  if (!answer[0]?.pg_try_advisory_lock) throw new Error('another server writes to this schema');
}

async function rows<Row extends unknown[]>(
  connection: Client | Pool,
  statement: Statement,
  values: readonly unknown[],
): Promise<Row[]> {
  const query: QueryArrayConfig = { ...statement, values: values as unknown[], rowMode: 'array', types: TYPES };
  return (await connection.query<Row>(query)).rows;
}
