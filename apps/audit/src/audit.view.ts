import { Column, type DataSource, Entity, PrimaryColumn } from 'typeorm';
import type { Actor } from '#contracts/envelope.js';
import { type Recorded, streamIdOf } from '#eventstore/recorded.js';
import type { Changes, View } from '#eventstore/view.js';
import { entryOf, type Subject, subjectOf } from './entry.js';

/** One event, as the timeline shows it. Times are RFC 3339 text in UTC with milliseconds. */
@Entity('audit_entries')
export class AuditEntryRow {
  @PrimaryColumn('bigint') position!: string;
  @Column('uuid') id!: string;
  @Column('text') at!: string;
  @Column('text') type!: string;
  @Column('text') project_id!: string;
  @Column('text') environment!: 'live' | 'test';
  @Column('text') subject_kind!: string;
  @Column('text') subject_id!: string;
  @Column('text', { nullable: true }) subject_short_id!: string | null;
  @Column('text', { nullable: true }) label!: string | null;
  @Column('text') actor_type!: Actor['type'];
  @Column('text') actor_id!: string;
  @Column('text') actor_name!: string;
  @Column('text') summary!: string;
  @Column('text') request_id!: string;
  @Column('jsonb') data!: Record<string, unknown>;
}

/** One row per event of everything the API shows. */
export const auditEntries: View = {
  name: 'audit_entries',
  prefixes: ['link_session-', 'connection-', 'user-', 'api_key-'],
  entity: AuditEntryRow,
  async changes(batch, dataSource) {
    const subjects = await knownSubjects(batch, dataSource);
    const changes: Changes = { rows: [], removed: [], parked: [] };
    for (const event of batch) {
      try {
        const subject = subjects.get(event.stream) ?? subjectOf(event);
        subjects.set(event.stream, subject);
        changes.rows.push(entryOf(event, subject));
      } catch (error) {
        changes.parked.push({ event, error });
      }
    }
    return changes;
  },
};

/** By stream, the subjects whose first event is not in the batch but stands in the table already. */
async function knownSubjects(batch: Recorded[], dataSource: DataSource): Promise<Map<string, Subject>> {
  const begun = new Set(batch.filter((event) => event.revision === 0n).map((event) => event.stream));
  const streams = new Set(batch.map((event) => event.stream).filter((stream) => !begun.has(stream)));
  if (streams.size === 0) return new Map();
  const rows = await dataSource.query<Subject[]>(
    `select distinct on (subject_id) subject_kind, subject_id, subject_short_id, label, project_id, environment
     from audit_entries where subject_id = any($1) order by subject_id, position`,
    [[...streams].map(streamIdOf)],
  );
  return new Map(rows.map((subject) => [`${subject.subject_kind}-${subject.subject_id}`, subject]));
}
