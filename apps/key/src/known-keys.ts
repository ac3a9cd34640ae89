import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { logger } from '#service/logger.js';
import { KeyQueries } from './key-queries.js';

const KNOWN = 'select id from begun_keys where id = any($1) union all select id from api_keys where id = any($1)';

/**
 * Proof that a key does not exist, for many wrong keys with one query instead of one read of the event store for each.
 * Every key is noted here before its first event is written, on any replica; older keys are in the view.
 */
@Injectable()
export class KnownKeys {
  constructor(
    private readonly dataSource: DataSource,
    private readonly queries: KeyQueries,
  ) {}

  async begin(id: string): Promise<void> {
    await this.dataSource.query('insert into begun_keys (id) values ($1) on conflict do nothing', [id]);
  }

  /** Those that may exist. All of them while the view is filled anew or the database is away: nobody can tell then. */
  async among(ids: string[]): Promise<Set<string>> {
    if (!this.queries.hasCaughtUp) return new Set(ids);
    try {
      const rows = await this.dataSource.query<{ id: string }[]>(KNOWN, [ids]);
      return new Set(rows.map(({ id }) => id));
    } catch (error) {
      logger.warn({ error: String(error) }, 'which keys exist is read from the event store');
      return new Set(ids);
    }
  }
}
