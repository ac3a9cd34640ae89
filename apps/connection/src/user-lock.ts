import type { EntityManager } from 'typeorm';

/**
 * Until the transaction ends, nobody else changes the address of this user or deletes them, and no attempt of theirs begins to be finished: whichever comes
 * second sees what the first has done.
 */
export async function lockUser(db: EntityManager, userId: string): Promise<void> {
  await db.query(`select pg_advisory_xact_lock(hashtextextended('user ' || $1, 0))`, [userId]);
}
