import type { QueryConfig } from 'pg';
import type { DataSource } from 'typeorm';
import type { StorePosition } from './follow.js';
import type { Changes, View } from './view.js';

/** Where a view is written to: the live table on the service's pool, or the one that a replay builds beside it. */
export interface Place {
  table: string;
  /** The view's name in the table of checkpoints. */
  checkpoint: string;
  database: { query<Row>(statement: QueryConfig): Promise<{ rows: Row[] }> };
}

interface Statement {
  name?: string;
  text: string;
}

/**
 * Writes a batch of changes and the new checkpoint as one statement, so in one transaction and one round trip; nothing
 * happens unless the checkpoint is where the caller thinks. It does not wait for the disk: what a crash takes back,
 * rows and checkpoint together, is simply applied again.
 */
export class ViewWriter {
  private statements: { usual: Statement; full: Statement } | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly view: View,
    private readonly place: Place,
  ) {}

  /** False when the checkpoint is not at `from`. */
  async write(changes: Changes, from: StorePosition | null, to: StorePosition): Promise<boolean> {
    const { checkpoint, database } = this.place;
    const values: unknown[] = [checkpoint, from && String(from.commit), String(to.commit), String(to.prepare)];
    values.push(JSON.stringify(changes.rows));
    const isUsual = changes.removed.length === 0 && changes.parked.length === 0;
    if (!isUsual) values.push(changes.removed, JSON.stringify(changes.parked.map((one) => this.parkedRow(one))));
    this.statements ??= this.makeStatements();
    const statement = isUsual ? this.statements.usual : this.statements.full;
    const { rows } = await database.query<{ moved: string }>({ ...statement, values });
    return rows[0]?.moved === '1';
  }

  private parkedRow({ event, error }: Changes['parked'][number]) {
    const { id: event_id, stream, commit } = event;
    const type = event.event.type;
    return { view: this.place.checkpoint, event_id, stream, type, commit: String(commit), error: String(error) };
  }

  /** What nearly every batch needs is planned once per connection; the rest names its parameters all the same. */
  private makeStatements() {
    const metadata = this.dataSource.getMetadata(this.view.entity);
    const table = `"${this.place.table}"`;
    const keys = metadata.primaryColumns.map((column) => `"${column.databaseName}"`);
    const columns = metadata.columns.map((column) => `"${column.databaseName}"`);
    const others = columns.filter((column) => !keys.includes(column));
    // A cast of the column instead would read the whole table for each batch.
    const keyType = this.dataSource.driver.normalizeType(metadata.primaryColumns[0]!);
    const moveAndWrite = `
      with moved as (
        insert into checkpoints as c ("view", "commit", "prepare")
        select $1::text, $3::text, $4::text
          where $2::text is null or exists (select 1 from checkpoints where "view" = $1::text)
        on conflict ("view") do update set "commit" = excluded."commit", "prepare" = excluded."prepare"
          where c."commit" = $2::text
        returning set_config('synchronous_commit', 'off', true)
      ), written as (
        insert into ${table} (${columns.join(', ')})
        select ${columns.join(', ')} from jsonb_populate_recordset(null::${table}, $5::jsonb)
        where exists (select 1 from moved)
        on conflict (${keys.join(', ')}) do update set ${others.map((c) => `${c} = excluded.${c}`).join(', ')}
      )`;
    const removeAndPark = `, gone as (
        delete from ${table} where ${keys[0]} = any($6::${keyType}[]) and exists (select 1 from moved)
      ), parked as (
        insert into parked_events select * from jsonb_populate_recordset(null::parked_events, $7::jsonb)
        where exists (select 1 from moved) on conflict do nothing
      )`;
    const count = ' select count(*)::text as moved from moved';
    return {
      usual: { name: `move_${this.place.checkpoint}`, text: moveAndWrite + count },
      full: { text: moveAndWrite + removeAndPark + count },
    };
  }
}
