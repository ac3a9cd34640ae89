import { setTimeout as wait } from 'node:timers/promises';
import { jsonEvent, NO_STREAM } from '@eventstore/db-client';
import { Client } from 'pg';
import '#eventstore/append-as-bytes.js';
import { connectEventStore } from '#eventstore/client.js';
import { anotherMinted, type Fixture, times } from './fixture.js';

const AT_ONCE = 256;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Beyond so many, rows are copied: what is read is this one table, whatever else is stored. */
const MOST_APPENDED = 100_000;
const COPIED_AT_ONCE = 50_000;

export interface Seeded {
  appended: number;
  /** Sessions that stand in the table that is read, and nowhere else. */
  copied: number;
  appendsPerSecond: number;
  /** From the last append until the lists and the timeline have everything. */
  settledMs: number;
}

/**
 * Stores sessions as the service itself would have written them: each its own stream with one SessionMinted, through
 * the same client. They are valid for a day, so that no sweep comes between.
 */
export async function seedSessions({ run, sample }: Fixture, wanted: number): Promise<Seeded> {
  const count = Math.min(wanted, MOST_APPENDED);
  const expires_at = new Date(Date.now() + DAY_MS).toISOString();
  const client = connectEventStore(run.eventstore.url);
  let head = 0n;
  const append = async () => {
    const { type, ...data } = anotherMinted(sample, expires_at);
    const event = jsonEvent({ type, data: data as never, metadata: sample.metadata as never });
    const { position } = await client.appendToStream(`link_session-${data.id}`, event, { expectedRevision: NO_STREAM });
    if (position && position.commit > head) head = position.commit;
  };
  const startedAt = performance.now();
  await times(count, append, AT_ONCE);
  const appendedAt = performance.now();
  await client.dispose();
  await Promise.all([
    projected(run.databases['link_session']!, 'link_sessions', head),
    projected(run.databases['audit']!, 'audit_entries', head),
  ]);
  const settledMs = performance.now() - appendedAt;
  await copyRows(run.databases['link_session']!, wanted - count);
  return {
    appended: count,
    copied: wanted - count,
    appendsPerSecond: (1000 * count) / (appendedAt - startedAt),
    settledMs,
  };
}

async function copyRows(url: string, count: number): Promise<void> {
  const database = new Client(url);
  await database.connect();
  const { rows } = await database.query<{ name: string }>(
    `select column_name as name from information_schema.columns
     where table_schema = current_schema() and table_name = 'link_sessions' and column_name <> 'id'`,
  );
  const others = rows.map(({ name }) => `"${name}"`).join(', ');
  const copy = `insert into link_sessions (id, ${others}) select gen_random_uuid(), ${others} from link_sessions limit $1`;
  for (let left = count; left > 0; left -= COPIED_AT_ONCE) {
    await database.query(copy, [Math.min(left, COPIED_AT_ONCE)]);
  }
  await database.query('vacuum analyze link_sessions');
  await database.end();
}

/** Resolves when the view has reached a position. */
export async function projected(url: string, view: string, position: bigint): Promise<void> {
  const database = new Client(url);
  await database.connect();
  const at = async () => {
    const { rows } = await database.query<{ commit: string }>('select "commit" from checkpoints where "view" = $1', [
      view,
    ]);
    return BigInt(rows[0]?.commit ?? 0);
  };
  while ((await at()) < position) await wait(100);
  await database.end();
}
