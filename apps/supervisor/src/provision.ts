import { setTimeout as sleep } from 'node:timers/promises';
import { Client, DatabaseError } from 'pg';
import { StartError } from './start-error.js';

/** Each has a schema of its own name, and one role that can use nothing else. */
export const schemas = ['key', 'connection', 'link_session', 'audit', 'eventstore'] as const;
export type Schema = (typeof schemas)[number];

/** The schema of a part, in case it has one. */
export const schemaOf = (part: string): string => part.replaceAll('-', '_');

const database = 'latchkey';
const roleOf = (schema: string) => `latchkey_${schema}`;
const waitMs = 30_000;
const urlAdvice = () =>
  'If DATABASE_URL means something else: in its user and password, characters like @ : / ? # % must be percent-encoded.';

/** The URL of a schema's role on the server of `adminUrl`. */
export function roleUrl(adminUrl: string, schema: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = roleOf(schema);
  url.password = password;
  url.pathname = database;
  // The driver prefers them, by which the administrator would sign in for everybody.
  for (const name of ['user', 'password']) url.searchParams.delete(name);
  return url.href;
}

/**
 * Makes the database, and the role and schema of each that is named; what is there already stays, only the passwords are set again. Another
 * machine that starts on the same server waits for its turn, though not for one that has vanished in the middle. `advice` is for whoever
 * reads that it cannot connect.
 */
export async function provision(
  adminUrl: string,
  passwords: Partial<Record<Schema, string>>,
  advice = urlAdvice,
): Promise<void> {
  await withClient(adminUrl, advice, async (server) => {
    await server.query(`SET lock_timeout = ${waitMs}; SELECT pg_advisory_lock(hashtext('${database} provision'))`);
    await makeDatabase(server);
    const url = new URL(adminUrl);
    url.pathname = database;
    await withClient(url.href, advice, async (client) => {
      await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC`);
      for (const [schema, password] of Object.entries(passwords)) await makeSchema(client, schema, password);
    });
  });
}

/** In the form of the embedded one, whatever form the server gives to a database by itself. */
async function makeDatabase(server: Client): Promise<void> {
  const { rows } = await server.query<{ encoding: string }>(
    'SELECT pg_encoding_to_char(encoding) AS encoding FROM pg_database WHERE datname = $1',
    [database],
  );
  if (rows.length === 0) {
    const form = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    await server.query(`CREATE DATABASE ${database} ${form}`);
  } else if (rows[0]!.encoding !== 'UTF8') {
    throw new StartError(
      `The database ${database} has the encoding ${rows[0]!.encoding}, which cannot hold every text: dump it and restore it into ` +
        "one that was made with ENCODING 'UTF8', or drop it if nothing is in it.",
    );
  }
}

async function makeSchema(client: Client, schema: string, password: string): Promise<void> {
  const role = roleOf(schema);
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  if (rowCount === 0) await client.query(`CREATE ROLE ${role} LOGIN`);
  await client.query(`ALTER ROLE ${role} PASSWORD ${client.escapeLiteral(password)}`);
  // An administrator that is not a superuser may give a schema only to a role it is a member of.
  await client.query(`GRANT ${role} TO CURRENT_USER`);
  // The driver reads dates in no other style, and each write checks for itself what stricter isolation would.
  await client.query(`
    GRANT CONNECT ON DATABASE ${database} TO ${role};
    CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${role};
    ALTER ROLE ${role} IN DATABASE ${database} SET search_path = ${schema};
    ALTER ROLE ${role} IN DATABASE ${database} SET default_transaction_isolation = 'read committed';
    ALTER ROLE ${role} IN DATABASE ${database} SET datestyle = 'ISO'`);
}

type Work = (client: Client) => Promise<void>;

async function withClient(url: string, advice: () => string, work: Work): Promise<void> {
  const client = await connectWhenUp(url, advice);
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** A server that has just been started refuses at first, or answers that it is starting up (57P03). */
async function connectWhenUp(url: string, advice: () => string): Promise<Client> {
  for (const deadline = Date.now() + waitMs; ; await sleep(50)) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (!isFinal(error as NodeJS.ErrnoException) && Date.now() <= deadline) continue;
      throw new StartError(`${cannotConnect(client, error as Error)} ${advice()}`);
    }
  }
}

/** Waiting changes nothing about it. */
const isFinal = (error: NodeJS.ErrnoException): boolean =>
  error instanceof DatabaseError
    ? error.code !== '57P03'
    : error.code === 'ENOTFOUND' || /SSL|certificate/i.test(error.message);

const cannotConnect = ({ host, port, user }: Client, { message, code }: NodeJS.ErrnoException): string =>
  `Cannot connect to Postgres at ${host}:${port} as ${user}: ${message || code}.`;
