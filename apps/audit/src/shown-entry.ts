import type { AuditEntry } from '#contracts/audit.js';
import type { Unchained } from './chain.js';
import { summaryOf } from './summaries.js';

/** The row as a person reads it. The sentence is made when it is read: it follows from the facts. */
export const shownEntry = (row: Unchained): AuditEntry => ({
  position: row.position,
  id: row.id,
  at: row.at,
  type: row.type,
  subject: { kind: row.subject_kind, id: row.subject_id, short_id: row.subject_short_id },
  actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
  label: row.label,
  summary: summaryOf(row.type, row.data),
  request_id: row.request_id,
  origin: {
    address: row.address,
    key_prefix: row.key_prefix,
    correlation_id: row.correlation_id,
    causation_id: row.causation_id,
  },
  data: row.data,
  project_id: row.project_id,
  environment: row.environment,
});
