import { Inject, Injectable } from '@nestjs/common';
import type { AuditChanges, AuditEntry, AuditNarrowing } from '#contracts/audit.js';
import type { Page, Position, Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { Ask } from '#contracts/subjects.js';
import type { OnApplied, Projector } from '#eventstore/projector.js';
import { decodeCursor, encodeCursor, listName } from '#service/cursor.js';
import { prepared } from '#service/prepared.js';
import { Store } from '#service/store.js';
import type { AuditEntryRow } from './audit-entry.entity.js';
import { OpenTexts } from './open-texts.js';
import { auditEntries } from './audit.view.js';
import { entriesStatement, type Wanted } from './entries-statement.js';
import { fitting } from './fitting.js';
import { Searches } from './searches.js';
import { shownEntry } from './shown-entry.js';

/** Entries in one answer to who follows the timeline. */
const MOST = 200;

/** The projection of all events, and the reads of it. */
@Injectable()
export class Timeline {
  private readonly view: Projector;
  private readonly searches = new Searches();
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
    const { text, values } = entriesStatement({ tenant, filter, after: since, order: 'asc', limit: MOST + 1 });
    const both = `select c."commit" as here, e.* from (select 1) one
       left join checkpoints c on c."view" = 'audit_entries' left join (${text}) e on true order by e.position`;
    const found = await this.searches.run(filter, () =>
      this.store.dataSource.query<(AuditEntryRow & { here: Position })[]>(both, values),
    );
    const rows = found.filter(({ position }) => position !== null);
    const entries = await this.shown(fitting(MOST, rows));
    const isAll = entries.length === rows.length;
    return { entries, position: isAll ? laterOf(found[0]!.here ?? '0', since) : entries.at(-1)!.position };
  }

  async list({ context, filter, after }: Ask<'audit.list'>): Promise<Page<AuditEntry>> {
    await this.view.reached(after);
    const { tenant } = context;
    const { limit, cursor, ...narrowing } = filter;
    const { order = 'desc', ...narrowed } = narrowing;
    this.searches.refuseWhenFull(narrowed);
    const list = listName('audit_entries', { ...tenant, ...narrowing });
    const position = cursor === undefined ? undefined : positionAt(list, cursor);
    const beyond = order === 'asc' ? { after: position } : { before: position };
    const rows = await this.entries({ tenant, filter: narrowed, ...beyond, order, limit: limit + 1 });
    const items = fitting(limit, rows);
    return {
      items: await this.shown(items),
      next_cursor: rows.length > items.length ? encodeCursor(list, items.at(-1)!.position) : null,
    };
  }

  entries(wanted: Wanted): Promise<AuditEntryRow[]> {
    const { name, text, values } = entriesStatement(wanted);
    return this.searches.run(wanted.filter, () => prepared<AuditEntryRow>(this.store.dataSource, name, text)(values));
  }

  private async shown(rows: AuditEntryRow[]): Promise<AuditEntry[]> {
    return (await this.texts.open(rows)).map(shownEntry);
  }
}

function positionAt(list: string, cursor: string): Position {
  const position = decodeCursor(list, cursor);
  if (!/^\d{1,18}$/.test(position)) throw new DomainError('INVALID_CURSOR');
  return position;
}

const laterOf = (one: Position, other: Position): Position => (BigInt(one) > BigInt(other) ? one : other);
