import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { DataSource } from 'typeorm';
import { type Column, columnsOf, copyText } from './copy-text.js';
import { parkedRow, rowStatements } from './row-statements.js';
import type { ShadowTable } from './shadow-table.js';
import { type Writer, rowsOf } from './view-writer.js';
import type { Changes, Rows, View } from './view.js';

/**
 * Writes to the table that a replay builds, over the replay's own connection. Nobody else does, so there is no checkpoint
 * to hold on to, and rows that are new are copied in, for a third of what a statement costs.
 */
export class ShadowWriter implements Writer {
  readonly rows: Rows;
  private readonly columns: Column[];
  private readonly texts;

  constructor(
    private readonly connection: Client,
    private readonly shadow: ShadowTable,
    place: { dataSource: DataSource; view: View },
  ) {
    const { table, query } = rowsOf(shadow.name, connection);
    // Outside of a transaction a read that fails leaves nothing behind.
    this.rows = {
      table,
      query: (text, values) => (this.isWithin ? this.undoable(() => query(text, values)) : query(text, values)),
    };
    this.columns = columnsOf(place.dataSource.getMetadata(place.view.entity));
    this.texts = rowStatements(place.dataSource, place.view, shadow.name);
  }

  /** Nobody can take the table away. */
  begin(): Promise<void> {
    return Promise.resolve();
  }

  async write(changes: Changes): Promise<boolean> {
    await this.undoable(() => this.writeAll(changes));
    return true;
  }

  private get isWithin(): boolean {
    return this.connection.getTransactionStatus() === 'T';
  }

  /** All of the work or, when it fails, none of it; the transaction around it goes on. */
  private async undoable<T>(work: () => Promise<T>): Promise<T> {
    const { isWithin } = this;
    await this.connection.query(isWithin ? 'savepoint batch' : 'begin');
    try {
      const result = await work();
      await this.connection.query(isWithin ? 'release batch' : 'commit');
      return result;
    } catch (error) {
      await this.connection.query(isWithin ? 'rollback to batch' : 'rollback');
      throw error;
    }
  }

  private async writeAll({ added, changed, removed, parked }: Changes): Promise<void> {
    const { write, remove, park } = this.texts;
    const aside = parked.map((one) => parkedRow(this.shadow.parkedAs, one));
    if (added.length > 0) await this.add(added);
    if (changed.length > 0) await this.connection.query(write('$1'), [JSON.stringify(changed)]);
    if (removed.length > 0) await this.connection.query(remove('$1'), [removed]);
    if (aside.length > 0) await this.connection.query(park('$1'), [JSON.stringify(aside)]);
  }

  private async add(rows: object[]): Promise<void> {
    const text = copyText(rows, this.columns);
    if (text === null) return void (await this.connection.query(this.texts.write('$1'), [JSON.stringify(rows)]));
    const columns = this.columns.map(({ name }) => `"${name}"`).join(', ');
    const statement = copyFrom(`copy ${this.rows.table} (${columns}) from stdin`);
    await pipeline(Readable.from([text]), this.connection.query(statement));
  }
}
