import { describe, expect, it } from '@jest/globals';
import { decodeCursor, encodeCursor, pageOf } from './cursor.js';

const at = '2026-01-01T12:00:00.000Z';
const row = (n: number) => ({ created_at: at, id: `00000000-0000-4000-8000-00000000000${n}` });

describe('a cursor', () => {
  it('leads back to the place it was made of', () => {
    expect(decodeCursor(encodeCursor(row(1)))).toEqual(row(1));
    expect(decodeCursor(undefined)).toBeNull();
  });

  it.each([
    ['no text at all', ''],
    ['not encoded', `${at} ${row(1).id}`],
    ['an id of hyphens', Buffer.from(`${at} ${'-'.repeat(36)}`).toString('base64url')],
    ['an id without hyphens', Buffer.from(`${at} ${'0'.repeat(36)}`).toString('base64url')],
    ['of a month that is none', Buffer.from(`2026-99-01T12:00:00.000Z ${row(1).id}`).toString('base64url')],
    ['of a day that is none', Buffer.from(`2026-02-30T12:00:00.000Z ${row(1).id}`).toString('base64url')],
    ['something more', Buffer.from(`${at} ${row(1).id} `).toString('base64url')],
  ])('that is %s is refused before it comes near a database', (_, cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(expect.objectContaining({ code: 'INVALID_CURSOR' }));
  });

  it('stands at the end of a page only when there is more', () => {
    expect(pageOf([row(3), row(2), row(1)], 2)).toEqual({ items: [row(3), row(2)], next_cursor: encodeCursor(row(2)) });
    expect(pageOf([row(3), row(2)], 2)).toEqual({ items: [row(3), row(2)], next_cursor: null });
  });
});
