import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { type Stack, startStack } from '#testing/stack.js';
import { provision, roleUrl } from '../apps/supervisor/src/provision.js';

let stack: Stack;
let admin: URL;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres'], servers: 'local' });
  admin = new URL(stack.run().databases['key']!);
  admin.username = admin.pathname = 'postgres';
  admin.password = readFileSync(join(stack.dataDir, 'secrets', 'postgres-admin'), 'utf8').trim();
});
afterAll(() => stack.stop());

/** The rows of the last statement; each is sent on its own, as some are refused among others. */
async function ask(url: string, ...statements: string[]): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query<object>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

describe('an outside Postgres', () => {
  it('whose own databases have another encoding, style of dates and isolation gives what the embedded one does', async () => {
    await ask(
      admin.href,
      'DROP DATABASE latchkey WITH (FORCE)',
      'ALTER DATABASE template1 IS_TEMPLATE false',
      'DROP DATABASE template1',
      `CREATE DATABASE template1 IS_TEMPLATE true ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`,
      `ALTER SYSTEM SET datestyle = 'German'`,
      `ALTER SYSTEM SET default_transaction_isolation = 'serializable'`,
      'SELECT pg_reload_conf()',
    );
    await provision(admin.href, { key: 'own' });
    const url = roleUrl(admin.href, 'key', 'own');
    const texts = `CREATE TABLE texts AS SELECT 'Ünï€😀' AS name, now() AS at, current_setting('transaction_isolation') AS isolation`;
    expect(await ask(url, texts, 'TABLE texts')).toEqual([
      { name: 'Ünï€😀', at: expect.any(Date), isolation: 'read committed' },
    ]);
    const form = `SELECT pg_encoding_to_char(encoding) AS encoding, datcollate FROM pg_database WHERE datname = 'latchkey'`;
    expect(await ask(url, form)).toEqual([{ encoding: 'UTF8', datcollate: 'C' }]);
  });

  it.each(['LATIN1', 'SQL_ASCII'])('with a database in %s is refused in a sentence', async (encoding) => {
    const form = `ENCODING '${encoding}' LOCALE 'C' TEMPLATE template0`;
    await ask(admin.href, 'DROP DATABASE latchkey WITH (FORCE)', `CREATE DATABASE latchkey ${form}`);
    await expect(provision(admin.href, {})).rejects.toThrow(
      `The database latchkey has the encoding ${encoding}, which`,
    );
  });

  it.each([
    ['a wrong password', { password: 'wrong' }, 'password authentication failed for user "postgres"'],
    ['no such database', { pathname: 'other' }, 'database "other" does not exist'],
    ['no such host', { hostname: 'no..host' }, 'getaddrinfo ENOTFOUND no..host'],
    ['no TLS', { search: 'sslmode=require' }, 'The server does not support SSL connections'],
  ])(
    'with %s is refused at once, in a sentence',
    async (_, wrong, reason) => {
      const url = Object.assign(new URL(admin), wrong);
      const refused = (await provision(url.href, {}).catch((error: unknown) => error)) as Error;
      expect(refused.constructor.name).toBe('StartError');
      expect(refused.message).toContain(
        `Cannot connect to Postgres at ${url.host} as postgres: ${reason}. If DATABASE_URL`,
      );
      expect(refused.message).not.toContain(url.password);
    },
    10_000,
  );
});
