import { randomBytes } from 'node:crypto';
import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { IDEMPOTENCY_LEASE_SECONDS, type IdempotencyState, REMEMBERED_HOURS } from '#contracts/idempotency.js';
import { Sweep } from '#service/sweep.js';

const CLEAN_EVERY_MS = 60_000;
/** A statement has not the time for all that may have come together. */
const CLEARED_AT_ONCE = 2_000;
const TOO_OLD = `interval '${REMEMBERED_HOURS} hours'`;
const LEASE = `interval '${IDEMPOTENCY_LEASE_SECONDS} seconds'`;
/** Over, or of a clock that has been put back far: no lease ends so late. */
const IS_FREE = `(r.leased_until < now() or r.leased_until > now() + 2 * ${LEASE})`;

/** A new wish, one that is too old to count, or one whose runner has died is the caller's to run. */
const BEGIN = `
  insert into idempotent_replies as r (scope, body_hash, seed, leased_until) values ($1, $2, $3, now() + ${LEASE})
  on conflict (scope) do update set
    leased_until = excluded.leased_until, body_hash = excluded.body_hash, status = null, sealed = null,
    seed = case when r.created_at < now() - ${TOO_OLD} then excluded.seed else r.seed end,
    created_at = case when r.created_at < now() - ${TOO_OLD} then now() else r.created_at end
  where r.created_at < now() - ${TOO_OLD}
    or (r.status is null and ${IS_FREE} and r.body_hash = excluded.body_hash)
  returning seed`;

const CLEAR = `
  delete from idempotent_replies where scope in (
    select scope from idempotent_replies where created_at < now() - ${TOO_OLD} order by created_at limit ${CLEARED_AT_ONCE})
  and created_at < now() - ${TOO_OLD}`;

interface Kept {
  body_hash: string;
  status: number | null;
  sealed: string | null;
}

/** Remembers wishes with an Idempotency-Key. The answers are sealed: nothing here opens them. */
@Injectable()
export class IdempotentReplies implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds = new Sweep({
    everyMs: CLEAN_EVERY_MS,
    work: (stopping) => this.clear(stopping),
    failure: 'old replies could not be cleared; later',
  });

  constructor(private readonly dataSource: DataSource) {}

  async begin(scope: string, bodyHash: string): Promise<IdempotencyState> {
    const seed = randomBytes(32).toString('base64url');
    const [mine] = await this.dataSource.query<{ seed: string }[]>(BEGIN, [scope, bodyHash, seed]);
    if (mine) return { state: 'run', seed: mine.seed, again: mine.seed !== seed };
    const text = 'select body_hash, status, sealed from idempotent_replies where scope = $1';
    const [kept] = await this.dataSource.query<Kept[]>(text, [scope]);
    if (!kept) return { state: 'in_flight' };
    if (kept.body_hash !== bodyHash) return { state: 'conflict' };
    if (kept.status === null || kept.sealed === null) return { state: 'in_flight' };
    return { state: 'done', status: kept.status, sealed: kept.sealed };
  }

  async keep(scope: string, status: number, sealed: string): Promise<void> {
    await this.dataSource.query('update idempotent_replies set status = $2, sealed = $3 where scope = $1', [
      scope,
      status,
      sealed,
    ]);
  }

  async release(scope: string, forget: boolean): Promise<void> {
    const text = forget
      ? 'delete from idempotent_replies where scope = $1 and status is null'
      : 'update idempotent_replies set leased_until = now() where scope = $1 and status is null';
    await this.dataSource.query(text, [scope]);
  }

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  async clear(stopping: AbortSignal): Promise<void> {
    for (let cleared = CLEARED_AT_ONCE; cleared === CLEARED_AT_ONCE && !stopping.aborted;) {
      [, cleared] = await this.dataSource.query<[unknown[], number]>(CLEAR);
    }
  }
}
