import { DomainError } from '#contracts/errors.js';
import { toUtc } from '#contracts/api/fields.js';
import type { Page } from '#contracts/envelope.js';

/** The place in a list that is ordered newest first by (created_at, id). */
export interface Place {
  created_at: string;
  id: string;
}

export const encodeCursor = ({ created_at, id }: Place): string =>
  Buffer.from(`${created_at} ${id}`).toString('base64url');

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `shape` is that of the ids in the list. */
export function decodeCursor(cursor: string | undefined, shape = UUID): Place | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, 'base64url').toString();
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S+)$/.exec(text);
  if (!match || toUtc(match[1]!) === null || !shape.test(match[2]!)) throw new DomainError('INVALID_CURSOR');
  return { created_at: match[1]!, id: match[2]! };
}

/** Cuts a page out of rows that were read with one more than `limit`. */
export function pageOf<Row extends Place>(rows: Row[], limit: number): Page<Row> {
  const items = rows.slice(0, limit);
  return { items, next_cursor: rows.length > limit ? encodeCursor(items.at(-1)!) : null };
}
