import type { Client } from 'pg';
import type { DataSource } from 'typeorm';
import type { Drift, DriftingRow } from '#contracts/replay.js';
import { askPatiently } from './replay-session.js';
import type { View } from './view.js';

/** More than so many rows are counted, not named. */
const NAMED = 100;
const PAGE = 1_000;

interface Tables {
  live: string;
  shadow: string;
}

type Found = Omit<DriftingRow, 'key'> & { key: string[] };

/**
 * Holds the live table against the replayed one, row for row and byte for byte, in the transaction's one picture of both.
 * What differs is named by row and column, never by value: a value may be somebody's name.
 */
export async function compare(connection: Client, dataSource: DataSource, view: View, tables: Tables): Promise<Drift> {
  const drift: Drift = { missing: 0, extra: 0, changed: 0, rows: [] };
  await connection.query(`declare drift no scroll cursor for ${differences(dataSource, view, tables)}`);
  for (;;) {
    const { rows } = await askPatiently<Found>(connection, `fetch ${PAGE} from drift`);
    for (const { key, kind, columns } of rows) {
      drift[kind]++;
      if (drift.rows.length < NAMED) drift.rows.push({ key: key.join(' '), kind, columns });
    }
    if (rows.length < PAGE) break;
  }
  await connection.query('close drift');
  return drift;
}

/** The operator with a star compares the stored bytes, so that 1.0 is not 1. */
function differences(dataSource: DataSource, view: View, { live, shadow }: Tables): string {
  const metadata = dataSource.getMetadata(view.entity);
  const keys = metadata.primaryColumns.map((column) => `"${column.databaseName}"`);
  const columns = metadata.columns.map(({ databaseName: name }) => name);
  const changed = columns.map((c) => `case when l."${c}"::text is distinct from s."${c}"::text then '${c}' end`);
  return `
    select array[${keys.map((key) => `coalesce(l.${key}, s.${key})::text`).join(', ')}] as key,
      case when l.${keys[0]} is null then 'missing' when s.${keys[0]} is null then 'extra' else 'changed' end as kind,
      case when l.${keys[0]} is null or s.${keys[0]} is null then '{}'
        else array_remove(array[${changed.join(', ')}]::text[], null) end as columns
    from "${live}" l full join "${shadow}" s on ${keys.map((key) => `l.${key} = s.${key}`).join(' and ')}
    where l.${keys[0]} is null or s.${keys[0]} is null or l *<> s`;
}
