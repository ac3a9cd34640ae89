import { hash } from 'node:crypto';
import { canonicalJson } from './canonical-json.js';
import type { AuditEntry } from './audit.js';

/** What stands before the first entry of a chain. */
export const CHAIN_BEGIN = '0'.repeat(64);

/** The type in the header of a signed checkpoint, so that no other signature of ours can be taken for one. */
export const CHECKPOINT_TYPE = 'latchkey-audit-checkpoint';

/** The entry as it is kept, personal text sealed: what the chain is made over. docs/audit-format.md describes it. */
export type StoredEntry = Omit<AuditEntry, 'summary'> & { sealed_label: object | null };

/** One line of an export: the stored entry, its place in the chain, and what is not part of it. */
export interface ExportLine extends StoredEntry {
  seq: number;
  hash: string;
  /** What a person reads: texts that follow from the entry or were opened for this export. */
  opened: { summary: string } & Partial<AuditEntry>;
  /** A compact JWS over this entry's place in the chain. */
  checkpoint?: string;
  /** The export holds a selection, whose chain cannot be followed. */
  filtered?: true;
}

/** What a checkpoint says: at this time the chain of the project ended here. */
export interface Checkpoint {
  project_id: string;
  environment: string;
  seq: number;
  hash: string;
}

export const chainHash = (previous: string, entry: object): string =>
  hash('sha256', `${previous}\n${canonicalJson(entry)}`);

/** The entry of a line without what stands beside it. */
export function storedEntryOf(line: object): object {
  const {
    seq: _seq,
    hash: _hash,
    opened: _opened,
    checkpoint: _checkpoint,
    filtered: _filtered,
    ...entry
  } = {
    ...(line as ExportLine),
  };
  return entry;
}
