import { setTimeout as wait } from 'node:timers/promises';
import { jsonEvent, NO_STREAM } from '@eventstore/db-client';
import { Client } from 'pg';
import { connectEventStore } from '#eventstore/client.js';
import { anotherMinted, type Fixture, times } from './fixture.js';

const AT_ONCE = 256;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface Seeded {
  appendsPerSecond: number;
  /** From the last append until the lists and the timeline have everything. */
  settledMs: number;
}

/**
 * Stores sessions as the service itself would have written them: each its own stream with one SessionMinted, through
 * the same client. They are valid for a day, so that no sweep comes between.
 */
export async function seedSessions({ run, sample }: Fixture, count: number): Promise<Seeded> {
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
  return {
    appendsPerSecond: (1000 * count) / (appendedAt - startedAt),
    settledMs: performance.now() - appendedAt,
  };
}

/** Resolves when the view has reached a position. */
async function projected(url: string, view: string, position: bigint): Promise<void> {
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
