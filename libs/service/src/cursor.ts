import { canonicalJson } from '#contracts/canonical-json.js';
import { DomainError } from '#contracts/errors.js';
import { toUtc } from '#contracts/api/fields.js';
import type { Page } from '#contracts/envelope.js';
import { sha256 } from '#contracts/ids.js';

/** The place in a list that is ordered newest first by (created_at, id). */
export interface Place {
  created_at: string;
  id: string;
}

const NAME_LENGTH = 8;

/** A list of something, narrowed to something, in a short name: a cursor holds it, so that it leads into no other list. */
export const listName = (of: string, narrowedTo: object = {}): string =>
  sha256(canonicalJson([of, narrowedTo])).slice(0, NAME_LENGTH);

export const encodeCursor = (list: string, place: string): string => Buffer.from(list + place).toString('base64url');

export function decodeCursor(list: string, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (!text.startsWith(list)) throw new DomainError('INVALID_CURSOR');
  return text.slice(list.length);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `shape` is that of the ids in the list. */
export function placeIn(list: string, cursor: string | undefined, shape = UUID): Place | null {
  if (cursor === undefined) return null;
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\S+)$/.exec(decodeCursor(list, cursor));
  if (!match || toUtc(match[1]!) === null || !shape.test(match[2]!)) throw new DomainError('INVALID_CURSOR');
  return { created_at: match[1]!, id: match[2]! };
}

/** Newer than everything there is. */
const NEWEST: Place = { created_at: '9999-12-31T23:59:59.999Z', id: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

/**
 * Behind which a page begins, also the first one: so one statement reads every page, and the database knows for all of them that
 * it need not look at what comes before.
 */
export const beginningIn = (list: string, cursor: string | undefined): Place => placeIn(list, cursor) ?? NEWEST;

export const cursorAt = (list: string, { created_at, id }: Place): string => encodeCursor(list, `${created_at} ${id}`);

/** Cuts a page out of rows that were read with one more than `limit`. */
export function pageOf<Row extends Place>(list: string, rows: Row[], limit: number): Page<Row> {
  const items = rows.slice(0, limit);
  return { items, next_cursor: rows.length > limit ? cursorAt(list, items.at(-1)!) : null };
}
