import type { Pool, QueryConfig } from 'pg';
import type { DataSource } from 'typeorm';
import type { StorePosition } from './follow.js';
import { poolOf } from './pool.js';
import { parkedRow, rowStatements } from './row-statements.js';
import type { Changes, Rows, View } from './view.js';

interface Statement {
  name?: string;
  text: string;
}

/** Writes what a batch of events changes, all of it or nothing. */
export interface Writer {
  /** Before rows are read. */
  begin(): Promise<void>;
  /** As they are before the batch. */
  rows: Rows;
  /** False, and nothing happened, when the view is not at `from`, or not in the table any more that was there at `begin`. */
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
  /** A replay puts another table in its place: what was read from the old one must not be written to the new one. */
  private tableId: string | null = null;

  constructor(
    private readonly dataSource: DataSource,
    private readonly view: View,
  ) {
    this.table = dataSource.getMetadata(view.entity).tableName;
    this.pool = poolOf(dataSource);
    this.rows = rowsOf(this.table, this.pool);
  }

  async begin(): Promise<void> {
    if (this.tableId !== null) return;
    const { rows } = await this.pool.query<{ id: string }>(`select ${this.idOfTable} as id`);
    this.tableId = rows[0]!.id;
  }

  async write(changes: Changes, from: StorePosition | null, to: StorePosition): Promise<boolean> {
    const { added, changed, removed, parked } = changes;
    const values: unknown[] = [this.view.name, from && String(from.commit), String(to.commit), String(to.prepare)];
    values.push(JSON.stringify([...added, ...changed]), this.tableId);
    const isUsual = removed.length === 0 && parked.length === 0;
    if (!isUsual) values.push(removed, JSON.stringify(parked.map((one) => parkedRow(this.view.name, one))));
    this.statements ??= this.makeStatements();
    const statement = isUsual ? this.statements.usual : this.statements.full;
    const { rows } = await this.pool.query<{ moved: string }>({ ...statement, values });
    const hasMoved = rows[0]?.moved === '1';
    if (!hasMoved) this.tableId = null;
    return hasMoved;
  }

  private get idOfTable(): string {
    return `to_regclass('"${this.table}"')::oid::text`;
  }

  /** What nearly every batch needs is planned once per connection; the rest names its parameters all the same. */
  private makeStatements() {
    const { write, remove, park } = rowStatements(this.dataSource, this.view, this.table);
    const hasMoved = 'exists (select 1 from moved)';
    const moveAndWrite = `
      with moved as (
        insert into checkpoints as c ("view", "commit", "prepare")
        select $1::text, $3::text, $4::text
          where ($2::text is null or exists (select 1 from checkpoints where "view" = $1::text))
            and ${this.idOfTable} = $6::text
        on conflict ("view") do update set "commit" = excluded."commit", "prepare" = excluded."prepare"
          where c."commit" = $2::text
        returning set_config('synchronous_commit', 'off', true)
      ), written as (${write('$5', hasMoved)})`;
    const removeAndPark = `, gone as (${remove('$7', hasMoved)}), parked as (${park('$8', hasMoved)})`;
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
