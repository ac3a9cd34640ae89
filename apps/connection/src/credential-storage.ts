import { Injectable } from '@nestjs/common';
import { DataSource, type QueryRunner } from 'typeorm';
import type { ConnectionView } from '#contracts/connection.js';
import { DomainError } from '#contracts/errors.js';
import { Semaphore } from '#service/semaphore.js';
import { logger } from '#service/logger.js';
import { boundsOf, STRETCH, type Stretch, stretchAfter } from './vault/vault-stretch.js';
import { IS_SETTLED, type Slot, Vault } from './vault/vault.service.js';

/** Each holds one of the twelve connections of the pool while its end asks the pool for more. */
const MOST_ENDING = 6;
/** The connection of an entry `v`, one by one: joined as a table, all connections would be read for a stretch of entries. */
const ITS_CONNECTION = 'lateral (select * from connections where id = v.connection_id limit 1)';
const UNCLEAR = new Set(['UNAVAILABLE', 'VAULT_UNAVAILABLE', 'INTERNAL']);

/** What lies in the vault, in step with what a connection's stream says. */
@Injectable()
export class CredentialStorage {
  private readonly ending = new Semaphore(MOST_ENDING);
  private lookedUpTo: Stretch['upTo'] = null;

  constructor(
    private readonly vault: Vault,
    private readonly dataSource: DataSource,
  ) {}

  /** What the gateway has sealed to the vault. */
  unseal(sealed: string): string {
    return this.vault.unseal(sealed);
  }

  /**
   * Puts a secret under a version of its own, `above` the one that lives, then lets `record` make it the live one. `record`
   * answers with the version that it finds recorded: another one, when this wish had come true before.
   */
  async keep<T>(
    slot: Slot,
    { secret, above }: { secret: string; above: number },
    record: (version: number) => Promise<{ result: T; version: number; alsoKept?: number | null }>,
  ): Promise<T> {
    const version = await this.vault.putNext(slot, secret, above).catch((cause: unknown) => {
      throw new DomainError('VAULT_UNAVAILABLE', undefined, undefined, { cause });
    });
    try {
      const { result, version: recorded, alsoKept = null } = await record(version);
      if (recorded === version) await this.tidy(this.vault.destroyBefore(slot, version, alsoKept));
      else await this.tidy(this.vault.destroyVersion(slot, version));
      return result;
    } catch (error) {
      // Whether it was recorded may not be known; then the sweep finds out.
      const isRefusal = error instanceof DomainError && !UNCLEAR.has(error.code);
      if (isRefusal) await this.tidy(this.vault.destroyVersion(slot, version));
      throw error;
    }
  }

  /**
   * Destroys all that a connection holds, and ends it, in effect as one: the rows go when and only when `end` has written
   * that it is over. Died in between, they stay, open for nobody, and are swept away.
   */
  destroyWith<T>(connectionId: string, deadline: number, end: () => Promise<T>): Promise<T> {
    return this.ending.run(async () => {
      if (Date.now() >= deadline) throw new DomainError('REVOKE_FAILED');
      const runner = this.dataSource.createQueryRunner();
      try {
        return await this.destroyIn(runner, connectionId, end);
      } finally {
        await rollBack(runner);
        await runner.release();
      }
    });
  }

  private async destroyIn<T>(runner: QueryRunner, connectionId: string, end: () => Promise<T>): Promise<T> {
    try {
      await runner.startTransaction();
      await this.vault.destroyAllIn(runner, connectionId);
    } catch (cause) {
      throw new DomainError('REVOKE_FAILED', undefined, undefined, { cause });
    }
    const ended = await end();
    try {
      // A rotation that was recorded just before the end has put its row there after we looked.
      await this.vault.destroyAllIn(runner, connectionId);
      await runner.commitTransaction();
    } catch {
      await rollBack(runner);
      await this.destroyAfterAll(connectionId);
    }
    return ended;
  }

  /** It is over already, but the database went away at the very last step. */
  private async destroyAfterAll(connectionId: string): Promise<void> {
    await this.destroy(connectionId).catch((cause: unknown) => {
      const message = 'The connection has ended; its credential opens no longer and will be destroyed shortly.';
      throw new DomainError('UNAVAILABLE', message, undefined, { cause });
    });
  }

  destroy(connectionId: string): Promise<void> {
    return this.vault.destroyAll(connectionId);
  }

  /** Takes the next rows under the eye of `leftOver` and `suspects`; behind the last of the table come the first. */
  async nextStretch(): Promise<Stretch> {
    const stretch = await stretchAfter(this.dataSource, this.lookedUpTo);
    this.lookedUpTo = stretch.upTo;
    return stretch;
  }

  /** Credentials whose connection is over but whose destruction did not happen: a worker died in between. */
  async leftOver(stretch: Stretch): Promise<string[]> {
    const rows = await this.dataSource.query<{ id: string }[]>(
      `select distinct c.id from ${STRETCH} v join ${ITS_CONNECTION} c on true
       where c.state = 'revoked' and v.field not like 'attempt %'`,
      boundsOf(stretch),
    );
    return rows.map((row) => row.id);
  }

  /** Versions that look as if no stream named them, and all that seems to belong to no connection and no attempt. */
  async suspects(stretch: Stretch): Promise<(Slot & { version: number })[]> {
    return this.dataSource.query(
      `select v.connection_id, v.field, v.version, v.project_id, v.environment
       from ${STRETCH} v left join ${ITS_CONNECTION} c on true
       where v.${IS_SETTLED} and (
         c.id is null and v.field not like 'attempt %'
         and not exists (select from link_attempts a where a.connection_id = v.connection_id)
         or v.field = 'credential' and v.version is distinct from c.credential_version
         or v.field like 'refreshed %' and v.field <> 'refreshed ' || coalesce(c.credential_version, 0)
         or v.field = 'webhook_secret' and v.version is distinct from c.webhook_version
         and (v.version is distinct from c.webhook_previous or c.webhook_previous_until::timestamptz < now()))`,
      boundsOf(stretch),
    );
  }

  /** Destroys a suspect unless the connection's own stream still names it. */
  async destroyUnlessNamed(suspect: Slot & { version: number }, connection: ConnectionView | null): Promise<void> {
    if (connection && isNamed(connection, suspect)) return;
    await this.vault.destroySettled(suspect, suspect.version);
  }

  /** What is left lying is found by the sweep. */
  private async tidy(work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => logger.warn({ error: String(error) }, 'an old version stays for the sweep'));
  }
}

async function rollBack(runner: QueryRunner): Promise<void> {
  if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
}

function isNamed(view: ConnectionView, { field, version }: { field: Slot['field']; version: number }): boolean {
  if (field === 'credential') return view.credential_version === version;
  // What a refresh has given stands in for the credential that it was made of, and for no other.
  if (field.startsWith('refreshed ')) return field === `refreshed ${view.credential_version ?? 0}`;
  // A bank's token is the connection's as long as there is one.
  if (field !== 'webhook_secret') return true;
  const isGrace = view.webhook_previous_until !== null && Date.parse(view.webhook_previous_until) > Date.now();
  return view.webhook_version === version || (isGrace && view.webhook_previous === version);
}
