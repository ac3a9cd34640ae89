import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import type { Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { prepared } from '#service/prepared.js';
import { openerWith } from '#service/sealed.js';
import { open, type EncryptionContext, seal, type Sealed } from './envelope-encryption.js';
import type { KeyRing } from './key-ring.js';

/** Which secret of which connection: one row for each of its versions. */
export interface Slot extends Tenant {
  connection_id: string;
  field: 'access_token' | 'credential' | 'webhook_secret' | `attempt ${string}` | `refreshed ${number}`;
}

/** Of a row of `vault_entries`: any request that could have put it there has ended long ago. */
export const IS_SETTLED = "created_at < now() - interval '10 minutes'";

/** The version of what is only ever replaced as a whole. */
const FIRST = 1;

const KEY_MISSING = 'The key to what was sealed is not here; try again.';

/** Keeps credentials. Opening one is for credentials.service.ts alone, which leaves a trace first. */
@Injectable()
export class Vault {
  /** By epoch, what opens texts that the edge has sealed in it. */
  private readonly openers = new Map<number, (jwe: string) => string>();

  private readonly select;

  constructor(
    private readonly keks: KeyRing,
    private readonly dataSource: DataSource,
  ) {
    this.select = prepared<Sealed>(
      dataSource,
      'vault_read',
      `select epoch, wrapped_key, ciphertext from vault_entries
       where connection_id = $1 and field = $2 and version = $3`,
    );
  }

  /** What the edge seals secrets with. */
  publicJwk(): Record<string, unknown> {
    const epoch = this.keks.current();
    const { publicKey } = this.keks.sealingPair(epoch);
    return { ...publicKey.export({ format: 'jwk' }), alg: 'ECDH-ES', kid: String(epoch) };
  }

  /**
   * The secret in a JWE that the edge made with `publicJwk`. One of an epoch whose key is not here is none the worse for that:
   * while a newer key is rolled out, another replica has it already, and so will this one.
   */
  unseal(jwe: string): string {
    try {
      const { token } = JSON.parse(this.openerOf(jwe)(jwe)) as { token: unknown };
      if (typeof token === 'string' && token.length > 0) return token;
    } catch (cause) {
      // What else is wrong with it helps nobody but an attacker.
      if (cause instanceof DomainError) throw new DomainError('UNAVAILABLE', KEY_MISSING, undefined, { cause });
    }
    throw new DomainError('VALIDATION_ERROR', 'The sealed token could not be opened; load the page again.');
  }

  /** An edge that knows no epochs yet has the pair of the first. */
  private openerOf(jwe: string): (jwe: string) => string {
    const { kid } = JSON.parse(Buffer.from(jwe.split('.', 1)[0]!, 'base64url').toString()) as { kid?: string };
    const epoch = Number(kid ?? this.keks.epochs()[0]);
    if (!Number.isInteger(epoch)) throw new Error('the text names no epoch');
    const opener = this.openers.get(epoch) ?? openerWith(this.keks.sealingPair(epoch).privateKey);
    this.openers.set(epoch, opener);
    return opener;
  }

  async put(db: EntityManager, slot: Slot, secret: string): Promise<void> {
    const context: EncryptionContext = { ...slot, version: FIRST };
    const { epoch, wrapped_key, ciphertext } = await seal(this.keks, context, secret);
    await db.query(
      `insert into vault_entries (connection_id, field, version, project_id, environment, epoch, wrapped_key, ciphertext)
       values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (connection_id, field, version) do update
       set epoch = excluded.epoch, wrapped_key = excluded.wrapped_key, ciphertext = excluded.ciphertext, created_at = now()`,
      [
        slot.connection_id,
        slot.field,
        context.version,
        slot.project_id,
        slot.environment,
        epoch,
        wrapped_key,
        ciphertext,
      ],
    );
  }

  /**
   * Puts a secret under a version that no other has had, and answers with it. Nothing that is there is touched. What the
   * stream names is `above`: rows that were put back from an earlier day end before it.
   */
  async putNext(slot: Slot, secret: string, above = 0): Promise<number> {
    const { connection_id, field, project_id, environment } = slot;
    for (;;) {
      const [{ version }] = await this.dataSource.query<[{ version: number }]>(
        `select greatest(max(version), $3::int) + 1 as version from vault_entries
         where connection_id = $1 and field = $2`,
        [connection_id, field, above],
      );
      const { epoch, wrapped_key, ciphertext } = await seal(this.keks, { ...slot, version }, secret);
      const taken = await this.dataSource.query<unknown[]>(
        `insert into vault_entries (connection_id, field, version, project_id, environment, epoch, wrapped_key, ciphertext)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning version`,
        [connection_id, field, version, project_id, environment, epoch, wrapped_key, ciphertext],
      );
      if (taken.length > 0) return version;
    }
  }

  /** Null when there is no such secret (any more). */
  async read(slot: Slot, version = FIRST): Promise<string | null> {
    const [row] = await this.select([slot.connection_id, slot.field, version]);
    return row ? await open(this.keks, { ...slot, version }, row) : null;
  }

  /** Destroys the data key with the row: what backups still hold of it opens only with the key-encryption key. */
  async destroy(db: EntityManager, { connection_id, field }: Pick<Slot, 'connection_id' | 'field'>): Promise<void> {
    await db.query('delete from vault_entries where connection_id = $1 and field = $2', [connection_id, field]);
  }

  async destroyVersion({ connection_id, field }: Slot, version: number): Promise<void> {
    const text = 'delete from vault_entries where connection_id = $1 and field = $2 and version = $3';
    await this.dataSource.query(text, [connection_id, field, version]);
  }

  /** Leaves a young secret alone: it may have been given the number of one that another sweep has just destroyed. */
  async destroySettled({ connection_id, field }: Slot, version: number): Promise<void> {
    const text = `delete from vault_entries where connection_id = $1 and field = $2 and version = $3 and ${IS_SETTLED}`;
    await this.dataSource.query(text, [connection_id, field, version]);
  }

  /** The versions before this one, but for one that is still accepted. */
  async destroyBefore({ connection_id, field }: Slot, version: number, except: number | null): Promise<void> {
    const text = `delete from vault_entries where connection_id = $1 and field = $2 and version < $3
      and version is distinct from $4`;
    await this.dataSource.query(text, [connection_id, field, version, except]);
  }

  async destroyAll(connectionId: string): Promise<void> {
    await this.dataSource.query(ALL_OF, [connectionId]);
  }

  /** Within the transaction of the caller. */
  async destroyAllIn(runner: QueryRunner, connectionId: string): Promise<void> {
    await runner.query(ALL_OF, [connectionId]);
  }
}

/** Attempts under way keep their own secrets and destroy them themselves. */
const ALL_OF = `delete from vault_entries where connection_id = $1 and field not like 'attempt %'`;
