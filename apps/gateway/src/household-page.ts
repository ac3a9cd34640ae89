import type { Page } from '#contracts/envelope.js';

/** A page of a list as `/api/v1` writes it, under the plural of what it lists. */
export const householdPage = <K extends string, Item, Shown>(
  key: K,
  { items, next_cursor }: Page<Item>,
  show: (item: Item) => Shown,
) =>
  ({ [key]: items.map(show), next_cursor, has_more: next_cursor !== null }) as { [P in K]: Shown[] } & {
    next_cursor: string | null;
    has_more: boolean;
  };
