import type { DataSource } from 'typeorm';
import type { Recorded } from './recorded.js';
import type { View } from './view.js';

/** Texts of what is done to the rows of a view, in the live table or in the one beside it. Rows are given as JSON. */
export function rowStatements(dataSource: DataSource, view: View, name: string) {
  const metadata = dataSource.getMetadata(view.entity);
  const table = `"${name}"`;
  const keys = metadata.primaryColumns.map((column) => `"${column.databaseName}"`);
  const columns = metadata.columns.map((column) => `"${column.databaseName}"`);
  const others = columns.filter((column) => !keys.includes(column));
  // A cast of the column instead would read the whole table for each batch.
  const keyType = dataSource.driver.normalizeType(metadata.primaryColumns[0]!);
  return {
    write: (rows: string, condition = 'true') => `
      insert into ${table} (${columns.join(', ')})
      select ${columns.join(', ')} from jsonb_populate_recordset(null::${table}, ${rows}::jsonb) where ${condition}
      on conflict (${keys.join(', ')}) do update set ${others.map((c) => `${c} = excluded.${c}`).join(', ')}`,
    remove: (ids: string, condition = 'true') =>
      `delete from ${table} where ${keys[0]} = any(${ids}::${keyType}[]) and ${condition}`,
    park: (rows: string, condition = 'true') => `
      insert into parked_events select * from jsonb_populate_recordset(null::parked_events, ${rows}::jsonb)
      where ${condition} on conflict do nothing`,
  };
}

/** The row of an event that is put aside, under the name of a view. */
export function parkedRow(view: string, { event, error }: { event: Recorded; error: unknown }) {
  const { id: event_id, stream, commit } = event;
  return { view, event_id, stream, type: event.event.type, commit: String(commit), error: String(error) };
}
