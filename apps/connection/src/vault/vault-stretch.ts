import type { DataSource } from 'typeorm';

/** So many rows each statement reads: a thing of milliseconds, however large the table is. */
const ROWS = 5_000;

/** The primary key of a row of `vault_entries`. */
interface EntryKey {
  connection_id: string;
  field: string;
  version: number;
}

/** Rows of `vault_entries` in the order of their primary key: from behind a key up to another, null is either end. */
export interface Stretch {
  after: EntryKey | null;
  upTo: EntryKey | null;
}

/** The table may be larger than one statement can read: this is what comes `after`, `rows` at most. */
export async function stretchAfter(dataSource: DataSource, after: EntryKey | null, rows = ROWS): Promise<Stretch> {
  const [upTo = null] = await dataSource.query<EntryKey[]>(
    `select connection_id, field, version from vault_entries where ${isBehind(1)}
     order by connection_id, field, version offset ${rows - 1} limit 1`,
    keyOf(after),
  );
  return { after, upTo };
}

const isBehind = (at: number): string =>
  `($${at}::uuid is null or (connection_id, field, version) > ($${at}, $${at + 1}::text, $${at + 2}::int))`;

/**
 * The rows of a stretch in place of the table, with `boundsOf` as the first six parameters. The limit lets the database
 * know that they are few: it takes two bounds for a quarter of the table, which it would rather read as a whole.
 */
export const STRETCH = `(select * from vault_entries where ${isBehind(1)}
  and ($4::uuid is null or (connection_id, field, version) <= ($4, $5::text, $6::int))
  order by connection_id, field, version limit ${2 * ROWS})`;

export const boundsOf = ({ after, upTo }: Stretch): unknown[] => [...keyOf(after), ...keyOf(upTo)];

const keyOf = (key: EntryKey | null): unknown[] => [
  key?.connection_id ?? null,
  key?.field ?? null,
  key?.version ?? null,
];
