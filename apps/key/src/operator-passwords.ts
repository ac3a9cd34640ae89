import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { sha256 } from '#contracts/ids.js';
import { type NewPassword, type PasswordRecipe, usualCosts } from '#contracts/operator.js';

type Row = PasswordRecipe & { verifier: string };

/**
 * What passwords are checked against, beside the events. A row is written before the event that names it, so what
 * counts is decided by the event alone; rows that no event names any more are removed with the next change.
 */
@Injectable()
export class OperatorPasswords {
  constructor(private readonly dataSource: DataSource) {}

  /** Keeps a hash of the proof: who reads this table still cannot sign in with what stands there. */
  async keep(operatorId: string, { recipe, proof }: NewPassword): Promise<string> {
    const id = randomUUID();
    await this.dataSource.query(
      `insert into operator_passwords (id, operator_id, salt, memory_kib, passes, lanes, verifier)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [id, operatorId, recipe.salt, recipe.memory_kib, recipe.passes, recipe.lanes, sha256(proof)],
    );
    return id;
  }

  /** Somebody without a password gets a recipe like everybody else. */
  async recipe(passwordId: string | null): Promise<PasswordRecipe> {
    const row = await this.find(passwordId);
    if (!row) return { salt: randomBytes(16).toString('base64url'), ...usualCosts };
    const { verifier: _verifier, ...recipe } = row;
    return recipe;
  }

  /** Does the same work whether there is such a password or not. */
  async fits(passwordId: string | null, proof: string): Promise<boolean> {
    const row = await this.find(passwordId);
    const expected = row?.verifier ?? sha256(randomUUID());
    return timingSafeEqual(Buffer.from(expected, 'hex'), Buffer.from(sha256(proof), 'hex'));
  }

  /** Of these, all but the one that counts. */
  async forget(operatorId: string, ids: string[], but: string | null): Promise<void> {
    const text = 'delete from operator_passwords where operator_id = $1 and id = any($2) and id is distinct from $3';
    await this.dataSource.query(text, [operatorId, ids, but]);
  }

  async forgetAllOf(operatorId: string): Promise<void> {
    await this.dataSource.query('delete from operator_passwords where operator_id = $1', [operatorId]);
  }

  private async find(id: string | null): Promise<Row | undefined> {
    const text = 'select salt, memory_kib, passes, lanes, verifier from operator_passwords where id = $1';
    const [row] = await this.dataSource.query<Row[]>(text, [id]);
    return row;
  }
}
