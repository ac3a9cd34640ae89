import { Inject, Injectable } from '@nestjs/common';
import type { SelectQueryBuilder } from 'typeorm';
import type { AuditEntry, AuditFilter } from '#contracts/audit.js';
import type { Page } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { type Kind, parseAgentSessionId, parseId, parsePlatformConnectionId } from '#contracts/ids.js';
import type { Ask } from '#contracts/subjects.js';
import type { Projector } from '#eventstore/projector.js';
import { Store } from '#service/store.js';
import { AuditEntryRow } from './audit-entry.entity.js';
import { auditEntries } from './audit.view.js';

const KINDS: Kind[] = ['link_session', 'connection', 'user', 'api_key'];

/** The projection of all events, and the reads of it. */
@Injectable()
export class Timeline {
  private readonly view: Projector;

  constructor(@Inject(Store) private readonly store: Store) {
    this.view = store.project(auditEntries);
  }

  async list({ context, filter, after }: Ask<'audit.list'>): Promise<Page<AuditEntry>> {
    await this.view.reached(after);
    const oldestFirst = filter.order === 'asc';
    const query = this.store.dataSource
      .getRepository(AuditEntryRow)
      .createQueryBuilder('e')
      .where('e.project_id = :project_id and e.environment = :environment', context.tenant)
      .orderBy('e.position', oldestFirst ? 'ASC' : 'DESC')
      .limit(filter.limit + 1);
    narrow(query, filter);
    if (filter.cursor !== undefined) {
      const position = decodeCursor(filter.cursor);
      query.andWhere(`e.position ${oldestFirst ? '>' : '<'} :position`, { position });
    }
    const rows = await query.getMany();
    const items = rows.slice(0, filter.limit);
    return {
      items: items.map(toEntry),
      next_cursor: rows.length > filter.limit ? encodeCursor(items.at(-1)!.position) : null,
    };
  }
}

function narrow(query: SelectQueryBuilder<AuditEntryRow>, filter: AuditFilter): void {
  const { subject, actor, type, request_id, from, to } = filter;
  if (subject !== undefined) query.andWhere('e.subject_id = any(:subjects)', { subjects: idsOf(subject) });
  if (actor !== undefined) query.andWhere('(e.actor_id = :actor or e.actor_name = :actor)', { actor });
  if (type !== undefined) query.andWhere('e.type = :type', { type });
  if (request_id !== undefined) query.andWhere('e.request_id = :request_id', { request_id });
  if (from !== undefined) query.andWhere('e.at >= :from', { from });
  if (to !== undefined) query.andWhere('e.at < :to', { to });
}

/** A short_id leads to one UUID per kind of thing, so no index over short_ids is needed. */
function idsOf(text: string): string[] {
  const platform = parsePlatformConnectionId(text) ?? parseAgentSessionId(text);
  if (platform !== null) return [platform];
  return [...new Set(KINDS.map((kind) => parseId(kind, text)))].filter((id) => id !== null);
}

const encodeCursor = (position: string): string => Buffer.from(position).toString('base64url');

function decodeCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString();
  if (!/^\d{1,18}$/.test(position)) throw new DomainError('INVALID_CURSOR');
  return position;
}

const toEntry = (row: AuditEntryRow): AuditEntry => ({
  position: row.position,
  id: row.id,
  at: row.at,
  type: row.type,
  subject: { kind: row.subject_kind, id: row.subject_id, short_id: row.subject_short_id },
  actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
  label: row.label,
  summary: row.summary,
  request_id: row.request_id,
  data: row.data,
  project_id: row.project_id,
  environment: row.environment,
});
