import { Inject, Injectable } from '@nestjs/common';
import type { ExportLine } from '#contracts/audit-chain.js';
import type { AuditEntry, AuditNarrowing } from '#contracts/audit.js';
import type { Tenant } from '#contracts/envelope.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Store } from '#service/store.js';
import type { AuditEntryRow } from './audit-entry.entity.js';
import { selectionStatement } from './entries-statement.js';
import { fitting } from './fitting.js';
import { OpenTexts } from './open-texts.js';
import { SignCheckpoints } from './sign-checkpoints.js';
import { shownEntry } from './shown-entry.js';
import { storedForm } from './stored-form.js';
import { Timeline } from './timeline.js';

const PAGE = 500;

/** The timeline as a file, oldest first, page by page: whoever writes the file asks for the next one when it has room. */
@Injectable()
export class AuditExport {
  constructor(
    @Inject(Store) private readonly store: Store,
    private readonly timeline: Timeline,
    private readonly texts: OpenTexts,
    private readonly checkpoints: SignCheckpoints,
  ) {}

  /** Where an export that begins now will end. That place is signed, so that the file shows that its end is the end. */
  async begin({ context, filter, after }: Ask<'audit.export.begin'>): Promise<Reply<'audit.export.begin'>> {
    await this.timeline.reachedEnd(after);
    const { tenant } = context;
    const [last] = await this.timeline.entries({ tenant, filter: {}, order: 'desc', limit: 1 });
    if (!last) return { until: null, entries: 0, exact: true };
    if (isFiltered(filter)) return { until: last.position, entries: await this.estimate(tenant, filter), exact: false };
    const { position, seq, hash } = last;
    await this.checkpoints.signNow(tenant, { position, seq: Number(seq), hash });
    return { until: last.position, entries: Number(last.seq), exact: true };
  }

  async page({ context, filter, from, until }: Ask<'audit.export.page'>): Promise<Reply<'audit.export.page'>> {
    // Back before its end, as after a crash of the database, the timeline would pass for one that ends here.
    await this.timeline.reached(until);
    const { tenant } = context;
    const wanted = { tenant, filter, after: from ?? undefined, upTo: until, order: 'asc' as const, limit: PAGE };
    const rows = fitting(PAGE, await this.timeline.entries(wanted));
    const signed = isFiltered(filter) ? new Map<string, string>() : await this.signatures(tenant, rows);
    const opened = await this.texts.open(rows);
    const lines = rows.map((row, index) =>
      lineOf({ row, opened: opened[index]! }, signed.get(row.seq), isFiltered(filter)),
    );
    return { lines, next: lines.length === 0 || lines.at(-1)!.position === until ? null : lines.at(-1)!.position };
  }

  private async signatures({ project_id, environment }: Tenant, rows: AuditEntryRow[]): Promise<Map<string, string>> {
    if (rows.length === 0) return new Map();
    const signed = await this.store.dataSource.query<{ seq: string; jws: string }[]>(
      'select seq, jws from audit_checkpoints where project_id = $1 and environment = $2 and seq between $3 and $4',
      [project_id, environment, rows[0]!.seq, rows.at(-1)!.seq],
    );
    return new Map(signed.map(({ seq, jws }) => [seq, jws]));
  }

  /** What the database's planner thinks: counting a large selection would take as long as exporting it. */
  private async estimate(tenant: Tenant, filter: AuditNarrowing): Promise<number> {
    const { text, values } = selectionStatement({ tenant, filter });
    const [plan] = await this.store.dataSource.query<{ 'QUERY PLAN': { Plan: { 'Plan Rows': number } }[] }[]>(
      `explain (format json) ${text}`,
      values,
    );
    return plan!['QUERY PLAN'][0]!.Plan['Plan Rows'];
  }
}

const isFiltered = (filter: AuditNarrowing): boolean => Object.values(filter).some((value) => value !== undefined);

interface Both {
  row: AuditEntryRow;
  opened: AuditEntryRow;
}

function lineOf({ row, opened }: Both, checkpoint: string | undefined, filtered: boolean): ExportLine {
  const stored = storedForm(row);
  const shown = shownEntry(opened);
  return {
    ...stored,
    seq: Number(row.seq),
    hash: row.hash,
    opened: openedOf(stored, shown),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(filtered && { filtered: true as const }),
  };
}

/** What a person reads and the stored form does not say: the sentence, and texts that are kept sealed. */
function openedOf(stored: object, shown: AuditEntry): ExportLine['opened'] {
  const kept = stored as Record<string, unknown>;
  const differing = Object.entries(shown).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(kept[name] ?? null),
  );
  return Object.fromEntries(differing) as unknown as ExportLine['opened'];
}
