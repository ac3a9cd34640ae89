import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import type { Position } from '#contracts/envelope.js';
import { eventSubject, type PublishedEvent } from '#contracts/published-event.js';
import { Bus } from '#service/bus.js';
import { logger } from '#service/logger.js';
import { Store } from '#service/store.js';
import type { AuditEntryRow } from './audit-entry.entity.js';
import { News } from './news.js';

const AT_ONCE = 500;
const RETRY_MS = 1_000;
/** Between two batches: under load, few large ones cost much less than many small ones. */
const PACE_MS = 100;
/** So often it is seen that the lock is still held. */
const LOOK_EVERY_MS = 2_000;
/** Does not wait for the disk: what a crash takes back is said again. */
const MOVE = `update checkpoints set "commit" = $1, "prepare" = $1 where "view" = 'bus_events'
  returning set_config('synchronous_commit', 'off', true)`;
const LOCK = `hashtextextended(current_schema() || ' publishes events', 0)`;

/**
 * Says every event of the timeline on the bus, in order, at least once: the broker has a batch before the checkpoint
 * moves. One replica does it, under a lock of the database session that also writes the checkpoint; when that one goes,
 * another goes on from there within a second or two.
 */
@Injectable()
export class PublishEvents implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(Bus) private readonly bus: Bus,
    private readonly news: News,
  ) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.news.tellAny();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const session = this.store.dataSource.createQueryRunner();
      try {
        await this.publish(session);
      } catch (error) {
        logger.warn({ error: String(error) }, 'events are published later');
      }
      // The lock must not stay with a connection that goes back to the pool.
      await session.query(`select pg_advisory_unlock_all()`).catch(() => undefined);
      await session.release().catch(() => undefined);
      await this.pause(RETRY_MS);
    }
  }

  private async publish(session: QueryRunner): Promise<void> {
    const [lock] = (await session.query(`select pg_try_advisory_lock(${LOCK}) as mine`)) as [{ mine: boolean }];
    for (let at = lock.mine ? await this.begin(session) : null; at !== null && !this.stopping.signal.aborted;) {
      const waiting = this.news.next(null, LOOK_EVERY_MS);
      const rows = await behind(session, at);
      if (rows.length === 0) await waiting.happened;
      waiting.stop();
      if (rows.length > 0) await this.bus.tell(rows.flatMap(messageOf));
      at = rows.at(-1)?.position ?? at;
      // Fails when the session, and with it the lock, is lost.
      await session.query(MOVE, [at]);
      if (rows.length > 0 && rows.length < AT_ONCE) await this.pause(PACE_MS);
    }
  }

  private async pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }

  /** The first time, what has been said before anybody could hear it is not said again. */
  private async begin(session: QueryRunner): Promise<Position> {
    const first = `insert into checkpoints ("view", "commit", "prepare")
      select 'bus_events', n, n from (select coalesce(max(position), 0)::text as n from audit_entries) newest
      on conflict do nothing`;
    await session.query(first);
    const text = `select "commit" from checkpoints where "view" = 'bus_events'`;
    const [row] = (await session.query(text)) as [{ commit: string }];
    return row.commit;
  }
}

const behind = (session: QueryRunner, position: Position): Promise<AuditEntryRow[]> =>
  session.query(`select * from audit_entries where position > $1 order by position limit ${AT_ONCE}`, [
    position,
  ]) as Promise<AuditEntryRow[]>;

function messageOf(row: AuditEntryRow): { subject: string; data: PublishedEvent }[] {
  const subject = eventSubject(row.subject_kind, row.type);
  const { personal: _sealed, ...facts } = row.data;
  const { address, key_prefix, correlation_id, causation_id } = row;
  const data: PublishedEvent = {
    position: row.position,
    id: row.id,
    at: row.at,
    type: row.type,
    subject: { kind: row.subject_kind, id: row.subject_id, short_id: row.subject_short_id },
    actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
    request_id: row.request_id,
    origin: { address, key_prefix, correlation_id, causation_id },
    data: facts,
    project_id: row.project_id,
    environment: row.environment,
  };
  return subject === null ? [] : [{ subject, data }];
}
