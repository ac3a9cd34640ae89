import { Inject, Injectable } from '@nestjs/common';
import type { Page, Position, Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { parseId } from '#contracts/ids.js';
import type { KeyView } from '#contracts/key.js';
import type { Ask } from '#contracts/subjects.js';
import type { Projector } from '#eventstore/projector.js';
import { decodeCursor, pageOf } from '#service/cursor.js';
import { logger } from '#service/logger.js';
import { Store } from '#service/store.js';
import { ApiKeyRow, apiKeys } from './key.view.js';

const CANDIDATES = 20;

/** The projection of all keys, and the reads of it. */
@Injectable()
export class KeyQueries {
  private readonly view: Projector;

  constructor(@Inject(Store) private readonly store: Store) {
    this.view = store.project(apiKeys);
  }

  async list({ context, after, kind, limit, cursor }: Ask<'key.list'>): Promise<Page<KeyView>> {
    await this.view.reached(after);
    const from = decodeCursor(cursor);
    const query = this.rows()
      .where('k.project_id = :project_id and k.environment = :environment', context.tenant)
      .orderBy('k.created_at', 'DESC')
      .addOrderBy('k.id', 'DESC')
      .limit(limit + 1);
    if (kind) query.andWhere('k.kind = :kind', { kind });
    if (from) query.andWhere('(k.created_at, k.id) < (:created_at, :id)', from);
    return pageOf(await query.getMany(), limit);
  }

  async find({ context, id, after }: Ask<'key.get'>): Promise<KeyView | null> {
    await this.view.reached(after);
    const uuid = parseId('api_key', id);
    if (uuid === null) return null;
    return this.store.dataSource.manager.findOneBy(ApiKeyRow, { id: uuid, ...context.tenant });
  }

  /** Other household keys of the tenant that may do everything, as far as the view knows. */
  async otherAdminKeys({ id, project_id, environment }: KeyView, now: string): Promise<KeyView[]> {
    return this.rows()
      .where({ project_id, environment, kind: 'household' } satisfies Tenant & Partial<KeyView>)
      .andWhere(`k.id <> :id and 'full_access' = any(k.scopes)`, { id })
      .andWhere('k.revoked_at is null and (k.expires_at is null or k.expires_at > :now)', { now })
      .orderBy('k.created_at', 'DESC')
      .limit(CANDIDATES)
      .getMany();
  }

  /**
   * Waits until lists show what was written. It is durable already, so a view that is late does not make the write
   * fail: its position tells the reader what to wait for.
   */
  async shown(position: Position): Promise<void> {
    await this.view.reached(position).catch((error: unknown) => {
      if (!(error instanceof DomainError)) throw error;
      logger.warn({ position }, 'the list of keys is late');
    });
  }

  private rows() {
    return this.store.dataSource.getRepository(ApiKeyRow).createQueryBuilder('k');
  }
}
