import type { DataSource } from 'typeorm';

/** The primary key of a row of `vault_entries`. */
interface EntryKey {
  connection_id: string;
  field: string;
  version: number;
}

/** So many rows of `vault_entries`, in the order of their primary key: from behind a key up to another, null is either end. */
export interface Stretch {
  after: EntryKey | null;
  upTo: EntryKey | null;
}

/** The table may be larger than one statement can read: this is what comes `after`, `rows` at most. */
export async function stretchAfter(dataSource: DataSource, after: EntryKey | null, rows: number): Promise<Stretch> {
  const [upTo = null] = await dataSource.query<EntryKey[]>(
    `select connection_id, field, version from vault_entries
     where $1::uuid is null or (connection_id, field, version) > ($1, $2::text, $3::int)
     order by connection_id, field, version offset ${rows - 1} limit 1`,
    keyOf(after),
  );
  return { after, upTo };
}

/** Of a row of `vault_entries v`, with `boundsOf` as the first six parameters. */
export const IS_WITHIN = `($1::uuid is null or (v.connection_id, v.field, v.version) > ($1, $2::text, $3::int))
  and ($4::uuid is null or (v.connection_id, v.field, v.version) <= ($4, $5::text, $6::int))`;

export const boundsOf = ({ after, upTo }: Stretch): unknown[] => [...keyOf(after), ...keyOf(upTo)];

const keyOf = (key: EntryKey | null): unknown[] => [
  key?.connection_id ?? null,
  key?.field ?? null,
  key?.version ?? null,
];
