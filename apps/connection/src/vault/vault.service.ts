import { Injectable } from '@nestjs/common';
import { compactDecrypt } from 'jose';
import { DataSource, type EntityManager } from 'typeorm';
import type { Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { open, type Place, seal, type Sealed } from './envelope-encryption.js';
import { type KeyEncryptionKey, sealingKeysFrom } from './key-encryption-key.js';

/** Which secret of which connection: one row each. */
export interface Slot extends Tenant {
  connection_id: string;
  field: 'access_token' | `attempt ${string}`;
}

/** Keeps credentials. Opening one is for credentials.service.ts alone, which leaves a trace first. */
@Injectable()
export class Vault {
  private readonly sealing;

  constructor(
    private readonly kek: KeyEncryptionKey,
    private readonly dataSource: DataSource,
  ) {
    this.sealing = sealingKeysFrom(kek);
  }

  /** What the edge seals secrets with. */
  publicJwk(): Record<string, unknown> {
    return { ...this.sealing.publicKey.export({ format: 'jwk' }), alg: 'ECDH-ES' };
  }

  /** The secret in a JWE that the edge made with `publicJwk`. */
  async unseal(jwe: string): Promise<string> {
    try {
      const { plaintext } = await compactDecrypt(jwe, this.sealing.privateKey);
      const { token } = JSON.parse(Buffer.from(plaintext).toString()) as { token: unknown };
      if (typeof token === 'string' && token.length > 0) return token;
    } catch {
      // What exactly is wrong with it helps nobody but an attacker.
    }
    throw new DomainError('VALIDATION_ERROR', 'The sealed token could not be opened; load the page again.');
  }

  async put(db: EntityManager, slot: Slot, secret: string): Promise<void> {
    const place: Place = { ...slot, version: 1 };
    const { epoch, wrapped_key, ciphertext } = seal(this.kek, place, secret);
    await db.query(
      `insert into vault_entries (connection_id, field, version, project_id, environment, epoch, wrapped_key, ciphertext)
       values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (connection_id, field) do update
       set version = excluded.version, epoch = excluded.epoch, wrapped_key = excluded.wrapped_key, ciphertext = excluded.ciphertext`,
      [
        slot.connection_id,
        slot.field,
        place.version,
        slot.project_id,
        slot.environment,
        epoch,
        wrapped_key,
        ciphertext,
      ],
    );
  }

  /** Null when there is no such secret (any more). */
  async read(slot: Slot): Promise<string | null> {
    const rows = await this.dataSource.query<(Sealed & { version: number })[]>(
      'select version, epoch, wrapped_key, ciphertext from vault_entries where connection_id = $1 and field = $2',
      [slot.connection_id, slot.field],
    );
    const [row] = rows;
    return row ? open(this.kek, { ...slot, version: row.version }, row) : null;
  }

  /** Destroys the data key with the row: what backups still hold of it opens only with the key-encryption key. */
  async destroy(db: EntityManager, { connection_id, field }: Pick<Slot, 'connection_id' | 'field'>): Promise<void> {
    await db.query('delete from vault_entries where connection_id = $1 and field = $2', [connection_id, field]);
  }
}
