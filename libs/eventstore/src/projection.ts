/**
 * For each event, the columns it changes; null removes the row. Pure, so the same literal builds the reply to a
 * command and replays without a database.
 */
export type Projection<Row, E extends { type: string }> = {
  [T in E['type']]: (event: Extract<E, { type: T }>, row: Row) => Partial<Row> | null;
};

/** For an event that is a fact but moves no row: the row is not even read for it. */
export const unchanged = () => ({});

export const isKnown = (projection: object, type: string): boolean => Object.hasOwn(projection, type);

/** Types that are unknown change nothing either. */
export const isChange = <Row, E extends { type: string }>(projection: Projection<Row, E>, type: string): boolean =>
  isKnown(projection, type) && projection[type as E['type']] !== unchanged;

/** The row after these events; null when there is none (never written, or removed). What nothing has changed is the same object. */
export function project<Row extends object, E extends { type: string }>(
  projection: Projection<Row, E>,
  events: E[],
  from: Row | null = null,
): Row | null {
  return events.reduce<Row | null>((row, event) => {
    if (!isChange(projection, event.type)) return row;
    const apply = projection[event.type as E['type']] as (event: E, row: Row) => Partial<Row> | null;
    const changed = apply(event, row ?? ({} as Row));
    return changed && ({ ...row, ...changed } as Row);
  }, from);
}

/** For PersonalTextErased: the columns that change, unless the row is gone by then. */
export const erased =
  <Row extends { id: string }>(columns: (row: Row) => Partial<Row>) =>
  (_: unknown, row: Row): Partial<Row> | null =>
    row.id === undefined ? null : columns(row);
