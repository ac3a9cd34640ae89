import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Checkpoint } from '#contracts/audit-chain.js';
import type { Position, Tenant } from '#contracts/envelope.js';
import { Store } from '#service/store.js';
import { Sweep } from '#service/sweep.js';
import { CheckpointSigner } from './checkpoint-signer.js';

const EVERY_MS = 60_000;
/** So many chains each statement looks at: it has not the time for all that there may be. */
const AT_ONCE = 1_000;

/** An entry that its chain is to be signed at. */
interface End extends Checkpoint {
  position: Position;
}

type Row = Omit<End, 'seq'> & { seq: string; is_signed: boolean };
type ChainName = Pick<Checkpoint, 'project_id' | 'environment'>;
const BEFORE_ALL: ChainName = { project_id: '', environment: '' };

const IS_PAUSED = `exists (select from parked_events where "view" = 'audit_entries')`;

/** Where the next chains behind the one of $1 and $2 end. Hops from one project to the next, however long each is. */
const ENDS = `
  with recursive tenants as (
    (select project_id, environment, 1 as hop from audit_entries where (project_id, environment) > ($1, $2)
      order by project_id, environment limit 1)
    union all
    select next.*, t.hop + 1 from tenants t cross join lateral (
      select project_id, environment from audit_entries
      where (project_id, environment) > (t.project_id, t.environment) order by project_id, environment limit 1) next
    where t.hop < ${AT_ONCE}
  )
  select t.project_id, t.environment, e.position, e.seq, e.hash, exists (select from audit_checkpoints c
    where c.project_id = t.project_id and c.environment = t.environment and c.seq = e.seq) as is_signed
  from tenants t cross join lateral (
    select position, seq, hash from audit_entries where project_id = t.project_id and environment = t.environment
    order by project_id, environment, position desc limit 1) e
  where not ${IS_PAUSED} order by t.project_id, t.environment`;

/**
 * One picture of the database says that nothing is parked and that the entry is what was signed: either may have changed since
 * we looked. The first signature for a place stays: another one for the same place would say that the past has changed.
 */
const KEEP = `insert into audit_checkpoints (project_id, environment, seq, hash, jws)
  select project_id, environment, seq, hash, $6 from audit_entries
  where project_id = $1 and environment = $2 and position = $3 and seq = $4 and hash = $5 and not ${IS_PAUSED}
  on conflict do nothing`;

/**
 * Signs, every minute, where each chain stands that has grown. While an event of the timeline is parked nothing is signed:
 * once it can be applied, the chain from there on will be another one.
 */
@Injectable()
export class SignCheckpoints implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds = new Sweep({
    everyMs: EVERY_MS,
    work: (stopping) => this.signAll(stopping),
    failure: 'checkpoints wait for the next round',
  });

  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(CheckpointSigner) private readonly signer: CheckpointSigner,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  async signAll(stopping: AbortSignal): Promise<void> {
    for (let behind: ChainName | undefined = BEFORE_ALL; behind && !stopping.aborted;) {
      const ends: Row[] = await this.store.dataSource.query(ENDS, [behind.project_id, behind.environment]);
      for (const { seq, is_signed, ...end } of ends) {
        if (!is_signed && !stopping.aborted) await this.sign({ ...end, seq: Number(seq) });
      }
      behind = ends[AT_ONCE - 1];
    }
  }

  /** Signs one entry of a project now, if nothing is in the way. */
  async signNow({ project_id, environment }: Tenant, end: Omit<End, keyof Tenant>): Promise<void> {
    await this.sign({ project_id, environment, ...end });
  }

  private async sign({ position, ...checkpoint }: End): Promise<void> {
    const { project_id, environment, seq, hash } = checkpoint;
    const jws = await this.signer.sign(checkpoint);
    await this.store.dataSource.query(KEEP, [project_id, environment, position, seq, hash, jws]);
  }
}
