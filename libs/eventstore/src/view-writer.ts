import type { Pool, QueryConfig } from 'pg';
import type { DataSource } from 'typeorm';
import type { StorePosition } from './follow.js';
import { parkedRow, rowStatements } from './row-statements.js';
import type { Changes, Rows, View } from './view.js';

interface Statement {
  name?: string;
  text: string;
}

/** Writes what a batch of events changes, all of it or nothing. */
export interface Writer {
  /** As they are before the batch. */
  rows: Rows;
  /** False, and nothing happened, when the view is not at `from`. */
  write(changes: Changes, from: StorePosition | null, to: StorePosition): Promise<boolean>;
}

/**
 * Writes to the live table, on the service's pool: changes and the new checkpoint as one statement, so in one transaction
 * and one round trip; nothing happens unless the checkpoint is where the caller thinks. It does not wait for the disk:
 * what a crash takes back, rows and checkpoint together, the projector notices and applies again.
 */
export class ViewWriter implements Writer {
  readonly rows: Rows;
  private readonly table: string;
  private readonly pool: Pool;
  private statements: { usual: Statement; full: Statement } | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly view: View,
  ) {
    this.table = dataSource.getMetadata(view.entity).tableName;
    this.pool = (dataSource.driver as unknown as { master: Pool }).master;
    this.rows = rowsOf(this.table, this.pool);
  }

  async write(changes: Changes, from: StorePosition | null, to: StorePosition): Promise<boolean> {
    const { added, changed, removed, parked } = changes;
    const values: unknown[] = [this.view.name, from && String(from.commit), String(to.commit), String(to.prepare)];
    values.push(JSON.stringify([...added, ...changed]));
    const isUsual = removed.length === 0 && parked.length === 0;
    if (!isUsual) values.push(removed, JSON.stringify(parked.map((one) => parkedRow(this.view.name, one))));
    this.statements ??= this.makeStatements();
    const statement = isUsual ? this.statements.usual : this.statements.full;
    const { rows } = await this.pool.query<{ moved: string }>({ ...statement, values });
    return rows[0]?.moved === '1';
  }

  /** What nearly every batch needs is planned once per connection; the rest names its parameters all the same. */
  private makeStatements() {
    const { write, remove, park } = rowStatements(this.dataSource, this.view, this.table);
    const hasMoved = 'exists (select 1 from moved)';
    const moveAndWrite = `
      with moved as (
        insert into checkpoints as c ("view", "commit", "prepare")
        select $1::text, $3::text, $4::text
          where $2::text is null or exists (select 1 from checkpoints where "view" = $1::text)
        on conflict ("view") do update set "commit" = excluded."commit", "prepare" = excluded."prepare"
          where c."commit" = $2::text
        returning set_config('synchronous_commit', 'off', true)
      ), written as (${write('$5', hasMoved)})`;
    const removeAndPark = `, gone as (${remove('$6', hasMoved)}), parked as (${park('$7', hasMoved)})`;
    const count = ' select count(*)::text as moved from moved';
    return {
      usual: { name: `move_${this.view.name}`, text: moveAndWrite + count },
      full: { text: moveAndWrite + removeAndPark + count },
    };
  }
}

interface Database {
  query<Row>(statement: QueryConfig): Promise<{ rows: Row[] }>;
}

/** The rows of a statement have the form that its text gives them. */
export const rowsOf = (table: string, database: Database): Rows => ({
  table: `"${table}"`,
  query: async <T>(text: string, values: unknown[]) => (await database.query<T>({ text, values })).rows,
});
