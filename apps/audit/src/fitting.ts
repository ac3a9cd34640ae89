import { takeUpTo } from '#service/batch-queue.js';
import type { AuditEntryRow } from './audit-entry.entity.js';

/** What is made of these rows is well below what the bus carries in a message, also with the largest event on top. */
const BYTES = 1024 * 1024;

/** The first of the rows, as many as go into one reply. */
export const fitting = (most: number, rows: AuditEntryRow[]): AuditEntryRow[] =>
  takeUpTo<AuditEntryRow>(most, BYTES, ({ data }) => JSON.stringify(data).length)([...rows]);
