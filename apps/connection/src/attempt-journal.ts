import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import { connectionEnv } from './connection-env.js';
import { type AttemptFacts, LinkAttempt } from './link-attempt.entity.js';
import { CALL_DEADLINE_MS } from './providers/provider.js';
import { lockUser } from './user-lock.js';
import { type Slot, Vault } from './vault/vault.service.js';

/**
 * Longer than all steps under it: three calls to the bank, and 21 s for the claim, the record, the settlement and the vault.
 * Were it shorter, another worker would exchange the same public token again, and be refused.
 */
const LEASE_MS = 3 * CALL_DEADLINE_MS + 21_000;
/** As long as it takes to tell somebody what an attempt has come to. */
const STEP_SECONDS = 5;
const PAUSE_SECONDS = 3;
/** Nobody's, over, or of a clock that has been put back far: no lease ends so late. */
const IS_FREE = `(leased_until is null or leased_until < now()
  or leased_until > now() + interval '${2 * LEASE_MS} milliseconds')`;
const ABANDONED = '2 hours';

/** Keeps attempts over crashes; each method is one durable step. */
@Injectable()
export class AttemptJournal {
  constructor(
    private readonly dataSource: DataSource,
    private readonly vault: Vault,
  ) {}

  async start(attempt: Omit<LinkAttempt, 'state' | 'facts' | 'created_at' | 'leased_until'>): Promise<void> {
    await this.dataSource.getRepository(LinkAttempt).insert({ ...attempt, state: 'started', facts: null });
  }

  async find(attemptId: string): Promise<LinkAttempt | null> {
    return this.dataSource.getRepository(LinkAttempt).findOneBy({ attempt_id: attemptId });
  }

  /** The provider's token has arrived: from here on the attempt will be finished, whoever dies. */
  async receive(attempt: LinkAttempt, sealed: string): Promise<void> {
    const token = this.vault.unseal(sealed);
    await this.dataSource.transaction(async (db) => {
      await lockUser(db, attempt.user_id);
      const started = { attempt_id: attempt.attempt_id, state: 'started' as const };
      const { affected } = await db.update(LinkAttempt, started, { state: 'received' });
      // The same finish may come twice: what the later one brings would lie in the vault for ever.
      if (affected === 1) await this.vault.put(db, tokenSlot(attempt), token);
    });
  }

  /**
   * Takes the attempt for a while; null when another worker has it or it is over. Its end names the lease, so it is one
   * that a Date can hold.
   */
  async lease(attemptId: string): Promise<LinkAttempt | null> {
    const [rows] = await this.dataSource.query<[LinkAttempt[], number]>(
      `update link_attempts set leased_until = date_trunc('milliseconds', now()) + interval '${LEASE_MS} milliseconds'
       where attempt_id = $1 and state <> 'started' and ${IS_FREE} returning *`,
      [attemptId],
    );
    return rows[0] ?? null;
  }

  /** Nothing happens when another worker has leased it since. */
  async release({ attempt_id, leased_until }: LinkAttempt): Promise<void> {
    await this.dataSource.query(
      `update link_attempts set leased_until = now() + interval '${PAUSE_SECONDS} seconds'
       where attempt_id = $1 and leased_until = $2`,
      [attempt_id, leased_until],
    );
  }

  /** The bank's facts, and the credential with them. Throws when the lease is over: another worker leads the attempt now. */
  async learn(attempt: LinkAttempt, facts: AttemptFacts, accessToken?: string): Promise<LinkAttempt> {
    await this.dataSource.transaction(async (db) => {
      if (accessToken !== undefined)
        await this.vault.put(db, { ...tokenSlot(attempt), field: 'access_token' }, accessToken);
      if (connectionEnv.SANDBOX && 'bank' in facts) await noteItem(db, attempt, facts.bank.provider_item_id);
      const held = { attempt_id: attempt.attempt_id, leased_until: attempt.leased_until! };
      const { affected } = await db.update(LinkAttempt, held, { state: 'learnt', facts });
      if (affected !== 1) throw leaseLost();
    });
    return { ...attempt, state: 'learnt', facts };
  }

  /** Throws unless the lease will last for the next step: else another worker leads the attempt, or soon may. */
  async assertLeased({ attempt_id, leased_until }: LinkAttempt): Promise<void> {
    const rows = await this.dataSource.query<unknown[]>(
      `select from link_attempts where attempt_id = $1 and leased_until = $2
       and leased_until > now() + interval '${STEP_SECONDS} seconds'`,
      [attempt_id, leased_until],
    );
    if (rows.length === 0) throw leaseLost();
  }

  /** Throws when another worker leads the attempt now: what that one has linked is wanted. */
  async markUnwanted(attempt: LinkAttempt): Promise<LinkAttempt> {
    const held = { attempt_id: attempt.attempt_id, leased_until: attempt.leased_until! };
    const { affected } = await this.dataSource.getRepository(LinkAttempt).update(held, { state: 'unwanted' });
    if (affected !== 1) throw leaseLost();
    return { ...attempt, state: 'unwanted' };
  }

  async close(attempt: LinkAttempt): Promise<void> {
    await this.dataSource.transaction(async (db) => {
      await this.vault.destroy(db, tokenSlot(attempt));
      await db.delete(LinkAttempt, { attempt_id: attempt.attempt_id });
    });
  }

  token(attempt: LinkAttempt): Promise<string | null> {
    return this.vault.read(tokenSlot(attempt));
  }

  /** Attempts that wait for somebody. Those tried last come last: many that cannot go on would keep all others waiting. */
  async unfinished(): Promise<string[]> {
    const rows = await this.dataSource.query<{ attempt_id: string }[]>(
      `select attempt_id from link_attempts where state <> 'started' and ${IS_FREE}
       order by leased_until nulls first, created_at limit 20`,
    );
    return rows.map((row) => row.attempt_id);
  }

  /** People who closed the provider's dialog without a word leave nothing behind at the provider. */
  async forgetAbandoned(): Promise<void> {
    await this.dataSource.query(
      `delete from link_attempts where state = 'started' and created_at < now() - interval '${ABANDONED}'`,
    );
  }
}

const leaseLost = () => new DomainError('UNAVAILABLE', 'The link is still being finished.');

const tokenSlot = ({ project_id, environment, connection_id, attempt_id }: LinkAttempt): Slot => ({
  project_id,
  environment,
  connection_id,
  field: `attempt ${attempt_id}`,
});

/** Before the session hears of it, so that whoever asks the ledger once a link is done finds its item. */
async function noteItem(db: EntityManager, { project_id, environment }: LinkAttempt, itemId: string): Promise<void> {
  const text = 'insert into bank_items (id, project_id, environment) values ($1, $2, $3) on conflict do nothing';
  await db.query(text, [itemId, project_id, environment]);
}
