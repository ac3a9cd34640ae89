import type { StoredEntry } from '#contracts/audit-chain.js';
import type { AuditEntryRow } from './audit-entry.entity.js';

/**
 * The entry as the chain sees it: what the row keeps, personal text in its sealed form, so that erasing a text breaks
 * nothing. For ever, like an event: another field, or one less, would make every hash anew and contradict every
 * checkpoint that was signed. A test holds it against a hash of the first day. The names stand in the order in which they
 * are hashed: the order itself means nothing, but putting them there costs more than all else that is done here.
 */
export const storedForm = (row: Omit<AuditEntryRow, 'seq' | 'hash'>): StoredEntry => ({
  actor: { id: row.actor_id, name: row.actor_name, type: row.actor_type },
  at: row.at,
  data: row.data,
  environment: row.environment,
  id: row.id,
  label: row.label ?? null,
  origin: {
    address: row.address ?? null,
    causation_id: row.causation_id,
    correlation_id: row.correlation_id,
    key_prefix: row.key_prefix ?? null,
  },
  position: row.position,
  project_id: row.project_id,
  request_id: row.request_id,
  sealed_label: row.sealed_label ?? null,
  subject: { id: row.subject_id, kind: row.subject_kind, short_id: row.subject_short_id ?? null },
  type: row.type,
});
