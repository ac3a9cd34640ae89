import { describe, expect, it } from '@jest/globals';
import { cursorAt, decodeCursor, encodeCursor, listName, pageOf, placeIn } from './cursor.js';

const at = '2026-01-01T12:00:00.000Z';
const row = (n: number) => ({ created_at: at, id: `00000000-0000-4000-8000-00000000000${n}` });
const list = listName('things', { owner: 'me', status: undefined });
const refused = expect.objectContaining({ code: 'INVALID_CURSOR' }) as unknown as Error;

describe('a cursor', () => {
  it('leads back to the place it was made of', () => {
    expect(placeIn(list, cursorAt(list, row(1)))).toEqual(row(1));
    expect(decodeCursor(list, encodeCursor(list, '4711'))).toBe('4711');
    expect(placeIn(list, undefined)).toBeNull();
  });

  it.each([
    ['no text at all', ''],
    ['not encoded', `${at} ${row(1).id}`],
    ['of no list', Buffer.from(`${at} ${row(1).id}`).toString('base64url')],
    ['an id of hyphens', encodeCursor(list, `${at} ${'-'.repeat(36)}`)],
    ['an id without hyphens', encodeCursor(list, `${at} ${'0'.repeat(36)}`)],
    ['of a month that is none', encodeCursor(list, `2026-99-01T12:00:00.000Z ${row(1).id}`)],
    ['of a day that is none', encodeCursor(list, `2026-02-30T12:00:00.000Z ${row(1).id}`)],
    ['something more', encodeCursor(list, `${at} ${row(1).id} `)],
  ])('that is %s is refused before it comes near a database', (_, cursor) => {
    expect(() => placeIn(list, cursor)).toThrow(refused);
  });

  it.each([
    ['of other things', listName('others', { owner: 'me' })],
    ['narrowed to something else', listName('things', { owner: 'you' })],
    ['narrowed further', listName('things', { owner: 'me', status: 'live' })],
    ['narrowed to less', listName('things')],
  ])('leads into no list %s', (_, other) => {
    expect(() => placeIn(other, cursorAt(list, row(1)))).toThrow(refused);
  });

  it('leads into its list however the narrowing is written down', () => {
    const [one, same] = [listName('things', { a: 1, b: 2 }), listName('things', { b: 2, c: undefined, a: 1 })];
    expect(placeIn(same, cursorAt(one, row(1)))).toEqual(row(1));
  });

  it('stands at the end of a page only when there is more', () => {
    const next_cursor = cursorAt(list, row(2));
    expect(pageOf(list, [row(3), row(2), row(1)], 2)).toEqual({ items: [row(3), row(2)], next_cursor });
    expect(pageOf(list, [row(3), row(2)], 2)).toEqual({ items: [row(3), row(2)], next_cursor: null });
  });
});
