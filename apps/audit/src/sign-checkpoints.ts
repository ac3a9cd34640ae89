import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Checkpoint } from '#contracts/audit-chain.js';
import type { Tenant } from '#contracts/envelope.js';
import { logger } from '#service/logger.js';
import { Store } from '#service/store.js';
import { CheckpointSigner } from './checkpoint-signer.js';

const EVERY_MS = 60_000;
/** Chains at once; the next round goes on behind them. */
const AT_ONCE = 1_000;

type Row = Omit<Checkpoint, 'seq'> & { seq: string };
type ChainName = Pick<Checkpoint, 'project_id' | 'environment'>;
const BEFORE_ALL: ChainName = { project_id: '', environment: '' };

/**
 * Ends of chains behind the one of $1 and $2 that have no signature yet. Hops from one project to the next, so that its cost
 * follows their number.
 */
const UNSIGNED = `
  with recursive tenants as (
    (select project_id, environment from audit_entries where (project_id, environment) > ($1, $2)
      order by project_id, environment limit 1)
    union all
    select next.* from tenants t cross join lateral (
      select project_id, environment from audit_entries
      where (project_id, environment) > (t.project_id, t.environment) order by project_id, environment limit 1) next
  )
  select t.project_id, t.environment, e.seq, e.hash from tenants t cross join lateral (
    select seq, hash from audit_entries where project_id = t.project_id and environment = t.environment
    order by project_id, environment, position desc limit 1) e
  where not exists (select 1 from audit_checkpoints c
    where c.project_id = t.project_id and c.environment = t.environment and c.seq = e.seq)
  order by t.project_id, t.environment limit ${AT_ONCE}`;

/**
 * Signs, every minute, where each chain stands that has grown. While an event of the timeline is parked nothing is signed:
 * once it can be applied, the chain from there on will be another one.
 */
@Injectable()
export class SignCheckpoints implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private behind: ChainName = BEFORE_ALL;

  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(CheckpointSigner) private readonly signer: CheckpointSigner,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.round = this.signAll().catch((error: unknown) => logger.warn(`checkpoints: ${String(error)}`));
    }, EVERY_MS).unref();
  }

  async signAll(): Promise<void> {
    if (await this.isPaused()) return;
    const { project_id, environment } = this.behind;
    const ends = await this.store.dataSource.query<Row[]>(UNSIGNED, [project_id, environment]);
    for (const { seq, ...end } of ends) await this.sign({ ...end, seq: Number(seq) });
    this.behind = ends.length < AT_ONCE ? BEFORE_ALL : ends.at(-1)!;
  }

  /** Signs one entry of a project now, if nothing is in the way. */
  async signNow(tenant: Tenant, end: { seq: number; hash: string }): Promise<void> {
    if (!(await this.isPaused())) await this.sign({ ...tenant, ...end });
  }

  /** The first signature for a place stays: another one for the same place would say that the past has changed. */
  private async sign({ project_id, environment, seq, hash }: Checkpoint): Promise<void> {
    await this.store.dataSource.query(
      `insert into audit_checkpoints (project_id, environment, seq, hash, jws) values ($1, $2, $3, $4, $5)
       on conflict do nothing`,
      [project_id, environment, seq, hash, await this.signer.sign({ project_id, environment, seq, hash })],
    );
  }

  private async isPaused(): Promise<boolean> {
    const text = `select 1 from parked_events where "view" = 'audit_entries' limit 1`;
    return (await this.store.dataSource.query<unknown[]>(text)).length > 0;
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.round;
  }
}
