import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { Position } from '#contracts/envelope.js';
import { eventSubject, type PublishedEvent } from '#contracts/published-event.js';
import { Bus } from '#service/bus.js';
import { logger } from '#service/logger.js';
import { poolOf } from '#eventstore/pool.js';
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
const TRY_LOCK = `select pg_try_advisory_lock(hashtextextended(current_schema() || ' publishes events', 0)) as mine`;
/** Who says nothing any more, because its host or its process stands still, is let go of: MOVE would have come. */
const LET_GO = `set idle_session_timeout = '10s'; set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 2;
  set tcp_keepalives_count = 3`;
/** After so many tries the log says once that it is somebody else's turn. */
const LONG_TRIES = 10;

/**
 * Says every event of the timeline on the bus, in order, at least once: the broker has a batch before the checkpoint
 * moves. One replica does it, under a lock of the database session that also writes the checkpoint; when that one goes,
 * another goes on from there within a second or two, and when it falls silent, within twelve.
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
    while (!this.stopping.signal.aborted) {
      await this.publish().catch((error: unknown) =>
        logger.warn({ error: String(error) }, 'events are published later'),
      );
      await this.pause(RETRY_MS);
    }
  }

  private async publish(): Promise<void> {
    const session = await poolOf(this.store.dataSource).connect();
    session.on('error', () => undefined); // The next query says so.
    try {
      await session.query(LET_GO);
      if (await this.takeTurn(session)) await this.sayAll(session);
    } finally {
      session.release(true); // The lock goes with the connection.
    }
  }

  /** False when the service stops before its turn has come. */
  private async takeTurn(session: PoolClient): Promise<boolean> {
    for (let tries = 1; !this.stopping.signal.aborted; tries++) {
      const { rows } = await session.query<{ mine: boolean }>(TRY_LOCK);
      if (rows[0]!.mine) return true;
      if (tries === LONG_TRIES) logger.info('another replica publishes events');
      await this.pause(RETRY_MS);
    }
    return false;
  }

  private async sayAll(session: PoolClient): Promise<void> {
    for (let at = await this.begin(session); !this.stopping.signal.aborted;) {
      const waiting = this.news.next(null, LOOK_EVERY_MS);
      const rows = await behind(session, at);
      if (rows.length === 0) await waiting.happened;
      waiting.stop();
      if (rows.length > 0) await this.bus.publishAll(rows.flatMap(messageOf));
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
  private async begin(session: PoolClient): Promise<Position> {
    const first = `insert into checkpoints ("view", "commit", "prepare")
      select 'bus_events', n, n from (select coalesce(max(position + 0), 0)::text as n from audit_entries) newest
      on conflict do nothing`;
    await session.query(first);
    const text = `select "commit" from checkpoints where "view" = 'bus_events'`;
    const { rows } = await session.query<{ commit: string }>(text);
    return rows[0]!.commit;
  }
}

async function behind(session: PoolClient, position: Position): Promise<AuditEntryRow[]> {
  const text = `select * from audit_entries where position + 0 > $1 order by position + 0 limit ${AT_ONCE}`;
  return (await session.query<AuditEntryRow>(text, [position])).rows;
}

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
