import { Inject, Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import type { Page, Position, Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { parseId } from '#contracts/ids.js';
import type { KeyView, UsedKey } from '#contracts/key.js';
import type { Ask } from '#contracts/subjects.js';
import type { Projector } from '#eventstore/projector.js';
import { listName, pageOf, placeIn } from '#service/cursor.js';
import { logger } from '#service/logger.js';
import { sharedNow } from '#service/shared-clock.js';
import { Store } from '#service/store.js';
import { hearingAll } from './key-streams.js';
import { KeyUses } from './key-uses.js';
import { ApiKeyRow, apiKeys, keyAt } from './key.view.js';

const CANDIDATES = 20;

/** The projection of all keys, and the reads of it. */
@Injectable()
export class KeyQueries {
  private readonly view: Projector;

  constructor(
    @Inject(Store) private readonly store: Store,
    private readonly uses: KeyUses,
  ) {
    this.view = store.project(hearingAll(apiKeys));
  }

  /** Does the view hold all keys that were there when this process began? */
  get hasCaughtUp(): boolean {
    return this.view.hasCaughtUp;
  }

  async list({ context, after, kind, environments, limit, cursor }: Ask<'key.list'>): Promise<Page<UsedKey>> {
    await this.view.reached(after);
    const list = listName('api_keys', { ...context.tenant, kind, environments });
    const from = placeIn(list, cursor);
    const query = this.rows()
      .where(placesOf(context.tenant, environments))
      .orderBy('k.created_at', 'DESC')
      .addOrderBy('k.id', 'DESC')
      .limit(limit + 1);
    if (kind) query.andWhere('k.kind = :kind', { kind });
    if (from) query.andWhere('(k.created_at, k.id) < (:created_at, :id)', from);
    const { items, next_cursor } = pageOf(list, await query.getMany(), limit);
    return { items: await this.shown(items), next_cursor };
  }

  async find({ context, id, after, environments }: Ask<'key.get'>): Promise<UsedKey | null> {
    await this.view.reached(after);
    const uuid = parseId('api_key', id);
    if (uuid === null) return null;
    const rows = await this.rows()
      .where({ id: uuid, ...placesOf(context.tenant, environments) })
      .getMany();
    return (await this.shown(rows))[0] ?? null;
  }

  /** Eight random characters: the key that has them is as good as the only one. */
  async idsOfPrefixes(prefixes: string[]): Promise<Map<string, string>> {
    if (prefixes.length === 0) return new Map();
    const rows = await this.rows()
      .select(['k.id', 'k.key_prefix'])
      .where('k.key_prefix = any(:prefixes)', { prefixes })
      .getMany();
    return new Map(rows.map(({ id, key_prefix }) => [key_prefix, id]));
  }

  /** Keys as they are at this moment, beside their last use. */
  async shown(keys: KeyView[]): Promise<UsedKey[]> {
    const now = new Date().toISOString();
    return this.uses.beside(keys.map((key) => keyAt(key, now)));
  }

  /** Other household keys of the tenant that may do everything, as far as the view knows. */
  async otherAdminKeys({ id, project_id, environment }: KeyView, now: string): Promise<KeyView[]> {
    return this.rows()
      .where({ project_id, environment, kind: 'household' } satisfies Tenant & Partial<KeyView>)
      .andWhere(`k.id <> :id and 'full_access' = any(k.scopes)`, { id })
      .andWhere('k.revoked_at is null and k.successor_id is null and (k.expires_at is null or k.expires_at > :now)', {
        now,
      })
      .orderBy('k.created_at', 'DESC')
      .limit(CANDIDATES)
      .getMany();
  }

  /**
   * Rotated keys whose successor was never created, of those that retire after `since`. Those of test are older than the rule
   * that they get none.
   */
  async withoutSuccessor(since: string): Promise<KeyView[]> {
    return this.rows()
      .where(`k.successor_id is not null and k.environment = 'live' and k.retires_at > :since`, { since })
      .andWhere('not exists (select 1 from api_keys s where s.id = k.successor_id)')
      .limit(CANDIDATES)
      .getMany();
  }

  /** Rotated keys whose grace is over, which is not recorded yet. */
  async afterGrace(): Promise<KeyView[]> {
    const now = await sharedNow(this.store.dataSource);
    return this.rows()
      .where('k.successor_id is not null and k.revoked_at is null and k.retires_at <= :now', { now })
      .limit(CANDIDATES)
      .getMany();
  }

  /**
   * Waits until lists show what was written. It is durable already, so a view that is late does not make the write
   * fail: its position tells the reader what to wait for.
   */
  async listed(position: Position): Promise<void> {
    await this.view.reached(position).catch((error: unknown) => {
      if (!(error instanceof DomainError)) throw error;
      logger.warn({ position }, 'the list of keys is late');
    });
  }

  private rows() {
    return this.store.dataSource.getRepository(ApiKeyRow).createQueryBuilder('k');
  }
}

const placesOf = ({ project_id, environment }: Tenant, environments = [environment]) => ({
  project_id,
  environment: In(environments),
});
