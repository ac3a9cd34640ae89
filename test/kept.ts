import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { Client } from 'pg';
import { connectEventStore } from '#eventstore/client.js';
import type { SharedStack } from '#testing/stack.js';

/** Every event as the store holds it. */
export async function eventsOf(stack: SharedStack): Promise<Buffer> {
  const client = connectEventStore(stack.run().eventstore.url);
  try {
    const found: string[] = [];
    for await (const { event } of client.readAll())
      found.push(JSON.stringify([event?.streamId, event?.data, event?.metadata]));
    return Buffer.from(found.join('\n'));
  } finally {
    await client.dispose();
  }
}

/** Every table that this role sees, as text; bytes show as hex. */
export async function tablesOf(url: string): Promise<Buffer> {
  const database = new Client({ connectionString: url });
  await database.connect();
  try {
    const tables = await database.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
    );
    expect(tables.rows.length).toBeGreaterThan(0);
    const texts: string[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await database.query<{ text: string }>(`select t::text as text from ${name} t`);
      texts.push(name, ...rows.map(({ text }) => text));
    }
    return Buffer.from(texts.join('\n'));
  } finally {
    await database.end();
  }
}

/** All that a stack keeps: events, tables and logs, by the name of the place. */
export async function keptBy(stack: SharedStack): Promise<Record<string, Buffer>> {
  const places: Record<string, Buffer> = { events: await eventsOf(stack) };
  for (const [schema, url] of Object.entries(stack.run().databases)) places[`database ${schema}`] = await tablesOf(url);
  const folder = join(stack.dataDir, 'logs');
  for (const file of readdirSync(folder)) places[`log ${file}`] = readFileSync(join(folder, file));
  return places;
}
