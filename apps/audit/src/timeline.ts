import { Inject, Injectable } from '@nestjs/common';
import type { SelectQueryBuilder } from 'typeorm';
import type { AuditChanges, AuditEntry, AuditNarrowing } from '#contracts/audit.js';
import type { Page, Position, Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { type Kind, parseAgentSessionId, parseId, parsePlatformConnectionId } from '#contracts/ids.js';
import type { Ask } from '#contracts/subjects.js';
import type { OnApplied, Projector } from '#eventstore/projector.js';
import { decodeCursor, encodeCursor, listName } from '#service/cursor.js';
import { Store } from '#service/store.js';
import { AuditEntryRow } from './audit-entry.entity.js';
import { OpenTexts } from './open-texts.js';
import { auditEntries } from './audit.view.js';
import { fitting } from './fitting.js';
import { shownEntry } from './shown-entry.js';
import { FROM_BOUND, fromBound, TO_BOUND, toBound } from './timeline-bounds.js';

/** Entries in one answer to who follows the timeline. */
const MOST = 200;
const KINDS: Kind[] = ['link_session', 'connection', 'user', 'api_key', 'agent_session', 'connect_link'];

/** The projection of all events, and the reads of it. */
@Injectable()
export class Timeline {
  private readonly view: Projector;
  /** Called on every replica once entries can be read. */
  onApplied: OnApplied = () => undefined;

  constructor(
    @Inject(Store) private readonly store: Store,
    private readonly texts: OpenTexts,
  ) {
    this.view = store.project(auditEntries, (batch) => this.onApplied(batch));
  }

  reached(position: Position | undefined): Promise<void> {
    return this.view.reached(position);
  }

  /** For whoever takes its end for the newest there is: while it is built from the first event on, its end is not that. */
  async reachedEnd(position: Position | undefined): Promise<void> {
    if (!this.view.hasCaughtUp) throw new DomainError('UNAVAILABLE', 'The timeline is being built; try again.');
    await this.view.reached(position);
  }

  /**
   * What comes behind a position, oldest first, and up to where that is all. The database says both in one picture: what
   * this process knows of the view may be more than a crash of the database has left.
   */
  async after(tenant: Tenant, filter: AuditNarrowing, since: Position): Promise<AuditChanges> {
    const query = this.entriesOf(tenant, filter)
      .andWhere('e.position > :since', { since })
      .orderBy('e.position', 'ASC')
      .limit(MOST + 1);
    const [text, values] = query.getQueryAndParameters();
    const found = await this.store.dataSource.query<(AuditEntryRow & { here: Position })[]>(
      `select c."commit" as here, e.* from (select 1) one left join checkpoints c on c."view" = 'audit_entries'
       left join (${text}) e on true order by e.position`,
      values,
    );
    const rows = found.filter(({ position }) => position !== null);
    const entries = await this.shown(fitting(MOST, rows));
    const isAll = entries.length === rows.length;
    return { entries, position: isAll ? laterOf(found[0]!.here ?? '0', since) : entries.at(-1)!.position };
  }

  async list({ context, filter, after }: Ask<'audit.list'>): Promise<Page<AuditEntry>> {
    await this.view.reached(after);
    const { limit, cursor, ...narrowing } = filter;
    const list = listName('audit_entries', { ...context.tenant, ...narrowing });
    const oldestFirst = filter.order === 'asc';
    const query = this.entriesOf(context.tenant, filter)
      .orderBy('e.position', oldestFirst ? 'ASC' : 'DESC')
      .limit(limit + 1);
    if (cursor !== undefined) {
      const position = positionAt(list, cursor);
      query.andWhere(`e.position ${oldestFirst ? '>' : '<'} :position`, { position });
    }
    const rows = await query.getRawMany<AuditEntryRow>();
    const items = fitting(limit, rows);
    return {
      items: await this.shown(items),
      next_cursor: rows.length > items.length ? encodeCursor(list, items.at(-1)!.position) : null,
    };
  }

  private async shown(rows: AuditEntryRow[]): Promise<AuditEntry[]> {
    return (await this.texts.open(rows)).map(shownEntry);
  }

  /** To be read raw: columns and fields have the same names, and making entities of them is a tenth of a page. */
  entriesOf(tenant: Tenant, filter: AuditNarrowing): SelectQueryBuilder<AuditEntryRow> {
    const query = this.store.dataSource
      .getRepository(AuditEntryRow)
      .createQueryBuilder('e')
      .select('e.*')
      .where('e.project_id = :project_id and e.environment = :environment', tenant);
    narrow(query, filter);
    return query;
  }
}

function narrow(query: SelectQueryBuilder<AuditEntryRow>, filter: AuditNarrowing): void {
  const { subject, actor, type, request_id, from, to } = filter;
  if (subject !== undefined) query.andWhere('e.subject_id = any(:subjects)', { subjects: idsOf(subject) });
  if (actor !== undefined) query.andWhere('(e.actor_id = :actor or e.actor_name = :actor)', { actor });
  if (type !== undefined) query.andWhere('e.type = :type', { type });
  if (request_id !== undefined) query.andWhere('e.request_id = :request_id', { request_id });
  if (from !== undefined) {
    query.andWhere('e.at >= :from', { from });
    query.andWhere(`e.position >= ${FROM_BOUND}`, fromBound(from));
  }
  if (to !== undefined) {
    query.andWhere('e.at < :to', { to });
    query.andWhere(`e.position <= ${TO_BOUND}`, toBound(to));
  }
}

/**
 * Every id a subject may have when somebody calls it so. A short_id leads to one UUID per kind of thing, so no index
 * over short_ids is needed; other ids, such as a project's, are their own.
 */
function idsOf(text: string): string[] {
  const platform = parsePlatformConnectionId(text) ?? parseAgentSessionId(text);
  const ids = platform === null ? [text, ...KINDS.map((kind) => parseId(kind, text))] : [platform];
  return [...new Set(ids)].filter((id) => id !== null);
}

function positionAt(list: string, cursor: string): Position {
  const position = decodeCursor(list, cursor);
  if (!/^\d{1,18}$/.test(position)) throw new DomainError('INVALID_CURSOR');
  return position;
}

const laterOf = (one: Position, other: Position): Position => (BigInt(one) > BigInt(other) ? one : other);
