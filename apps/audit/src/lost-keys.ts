import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { decodeProtectedHeader } from 'jose';
import { logger } from '#service/logger.js';
import { Store } from '#service/store.js';
import { CheckpointSigner } from './checkpoint-signer.js';

/** Of the first and the last signature of each chain: there may be millions of them. Hops from one chain to the next. */
const SIGNATURES = `
  with recursive chains as (
    (select project_id, environment from audit_checkpoints order by project_id, environment limit 1)
    union all
    select next.* from chains c cross join lateral (
      select project_id, environment from audit_checkpoints
      where (project_id, environment) > (c.project_id, c.environment) order by project_id, environment limit 1) next
  )
  select distinct on (split_part(jws, '.', 1)) jws from chains c cross join lateral (
    (select jws from audit_checkpoints where project_id = c.project_id and environment = c.environment
      order by project_id, environment, seq limit 1)
    union all
    (select jws from audit_checkpoints where project_id = c.project_id and environment = c.environment
      order by project_id, environment, seq desc limit 1)) ends`;

/** Says at the start when a key is gone that has signed: another one is made in its place, and all else goes on as if nothing were. */
@Injectable()
export class LostKeys implements OnApplicationBootstrap {
  constructor(
    @Inject(Store) private readonly store: Store,
    @Inject(CheckpointSigner) private readonly signer: CheckpointSigner,
  ) {}

  onApplicationBootstrap(): void {
    void this.look().catch((error: unknown) => logger.warn(`keys of the timeline: ${String(error)}`));
  }

  async look(): Promise<void> {
    const signatures = await this.store.dataSource.query<{ jws: string }[]>(SIGNATURES);
    const held = this.signer.jwks.map(({ kid }) => kid);
    const lost = signatures.map(({ jws }) => decodeProtectedHeader(jws).kid!).filter((kid) => !held.includes(kid));
    if (lost.length === 0) return;
    logger.warn(
      { lost },
      'keys that have signed the timeline are not among AUDIT_SIGNING_KEY: put them back behind the first one',
    );
  }
}
