import type { StoredEntry } from '#contracts/audit-chain.js';
import type { AuditEntryRow } from './audit-entry.entity.js';

/**
 * The entry as the chain sees it: what the row keeps, personal text in its sealed form, so that erasing a text breaks
 * nothing. For ever, like an event: another field, or one less, would make every hash anew and contradict every
 * checkpoint that was signed. A test holds it against a hash of the first day.
 */
export const storedForm = (row: Omit<AuditEntryRow, 'seq' | 'hash'>): StoredEntry => ({
  position: row.position,
  id: row.id,
  at: row.at,
  type: row.type,
  project_id: row.project_id,
  environment: row.environment,
  subject: { kind: row.subject_kind, id: row.subject_id, short_id: row.subject_short_id ?? null },
  actor: { type: row.actor_type, id: row.actor_id, name: row.actor_name },
  label: row.label ?? null,
  sealed_label: row.sealed_label ?? null,
  request_id: row.request_id,
  origin: {
    address: row.address ?? null,
    key_prefix: row.key_prefix ?? null,
    correlation_id: row.correlation_id,
    causation_id: row.causation_id,
  },
  data: row.data,
});
