import { shownCategories } from '#contracts/categories.js';
import { type Recorded, streamIdOf } from '#eventstore/recorded.js';
import type { Changes, Rows, View } from '#eventstore/view.js';
import { AuditEntryRow } from './audit-entry.entity.js';
import { chained, type Unchained } from './chain.js';
import { entryOf, type Subject, subjectOf } from './entry.js';

/** One row per event of every category that is shown, chained to the one before it in its project. */
export const auditEntries: View = {
  name: 'audit_entries',
  prefixes: shownCategories.map((category) => `${category}-`),
  entity: AuditEntryRow,
  readsBy: ['audit_subject'],
  async changes(batch, rows) {
    const subjects = await knownSubjects(batch, rows);
    const parked: Changes['parked'] = [];
    const entries: Unchained[] = [];
    for (const event of batch) {
      try {
        const subject = (!isProject(event) && subjects.get(event.stream)) || subjectOf(event);
        subjects.set(event.stream, subject);
        entries.push(entryOf(event, subject));
      } catch (error) {
        parked.push({ event, error });
      }
    }
    return { added: await chained(entries, rows), changed: [], removed: [], parked };
  },
};

/** Projects are the organization's: what is done to one stands on the timeline of whoever did it. */
const isProject = ({ stream }: Recorded): boolean => stream.startsWith('project-');

/** By stream, the subjects whose first event is not in the batch but stands in the table already. */
async function knownSubjects(batch: Recorded[], { table, query }: Rows): Promise<Map<string, Subject>> {
  const begun = new Set(batch.filter((event) => event.revision === 0n).map((event) => event.stream));
  const streams = new Set(batch.map((event) => event.stream).filter((stream) => !begun.has(stream)));
  if (streams.size === 0) return new Map();
  const rows = await query<Subject>(
    `select first.* from unnest($1::text[]) as wanted (id) cross join lateral (
       select subject_kind, subject_id, subject_short_id, label, sealed_label, project_id, environment
       from ${table} where subject_id = wanted.id order by position limit 1) first`,
    [[...streams].map(streamIdOf)],
  );
  return new Map(rows.map((subject) => [`${subject.subject_kind}-${subject.subject_id}`, subject]));
}
