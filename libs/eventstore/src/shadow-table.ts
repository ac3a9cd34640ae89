import type { Client } from 'pg';
import { askPatiently } from './replay-session.js';
import type { View } from './view.js';

const SUFFIX = '__replay';
/** So long readers of the live table may be kept waiting; then the swap steps back and tries again. */
const LOCK_TIMEOUT_MS = 500;
/** A vacuum gives way to whoever has waited for it for a second; nobody waits behind this lock but other vacuums. */
const VACUUM_TIMEOUT_MS = 5_000;
/** So long the table is held for a process that says nothing any more; then the database lets go of it. */
const HOLD_TIMEOUT_MS = 5_000;

interface Index {
  name: string;
  /** What follows the name in a statement that makes it on another table. */
  makes: string;
  unique: boolean;
  constraint: boolean;
}

/**
 * The table a replay builds beside the live one: the same columns, rules and indexes. Its statements do not name the columns, so it is right for every view. Grants, triggers and SQL views on the live table are
 * not carried over: the tables of a service are its own.
 */
export class ShadowTable {
  readonly name: string;
  /** The name under which its parked events stand. */
  readonly parkedAs: string;

  constructor(
    private readonly connection: Client,
    private readonly live: string,
    private readonly view: View,
  ) {
    this.name = live + SUFFIX;
    this.parkedAs = `replay:${view.name}`;
  }

  async create(): Promise<void> {
    await this.drop();
    // A vacuum of it would make the swap wait, and all readers with it.
    await this.connection.query(`create table "${this.name}" (like "${this.live}" including defaults
      including constraints including generated including identity including storage including comments)
      with (autovacuum_enabled = off)`);
    for (const index of await this.indexes()) if (!this.isLate(index)) await this.add(index);
  }

  /** Those that only readers need: to make one of all rows at the end costs a fraction of keeping it in step. */
  async lateIndexes(): Promise<Index[]> {
    return (await this.indexes()).filter((index) => this.isLate(index));
  }

  async add({ name, makes, unique, constraint }: Index): Promise<void> {
    const text = constraint
      ? `alter table "${this.name}" add constraint "${name + SUFFIX}" ${makes}`
      : `create ${unique ? 'unique ' : ''}index "${name + SUFFIX}" on "${this.name}" ${makes}`;
    await askPatiently(this.connection, text);
  }

  private isLate({ name, unique }: Index): boolean {
    return !unique && !this.view.readsBy?.includes(name);
  }

  /** Also what a replay left behind that was cut off. */
  async drop(): Promise<void> {
    await this.connection.query(`drop table if exists "${this.name}"`);
    await this.connection.query('delete from parked_events where "view" = $1', [this.parkedAs]);
  }

  /**
   * The live projectors wait from here to the end of the transaction, in whichever replica, and readers do not. They name
   * the table before the checkpoint, so the table has to be what they wait for.
   */
  async holdWriters(): Promise<void> {
    await this.connection.query(`set local idle_in_transaction_session_timeout = ${HOLD_TIMEOUT_MS}`);
    await this.lock('share update exclusive', VACUUM_TIMEOUT_MS);
    await this.lock('exclusive', LOCK_TIMEOUT_MS);
  }

  private async lock(mode: string, timeoutMs: number): Promise<void> {
    await this.connection.query(`set local lock_timeout = ${timeoutMs}`);
    await this.connection.query(`lock table "${this.live}" in ${mode} mode`);
  }

  /** Within a transaction that holds the writers: from its end on, who names the live table reads this one. */
  async takePlace(): Promise<void> {
    const indexes = await this.indexes();
    // What is told of it afterwards is never taken back.
    await this.connection.query('set local synchronous_commit = on');
    await this.connection.query(`drop table "${this.live}"`);
    await this.connection.query(`alter table "${this.name}" reset (autovacuum_enabled)`);
    await this.connection.query(`alter table "${this.name}" rename to "${this.live}"`);
    for (const { name } of indexes) {
      await this.connection.query(`alter index "${name + SUFFIX}" rename to "${name}"`);
    }
    const names = [this.view.name, this.parkedAs];
    await this.connection.query('delete from parked_events where "view" = $1', names.slice(0, 1));
    await this.connection.query('update parked_events set "view" = $1 where "view" = $2', names);
  }

  async parked(): Promise<number> {
    const text = 'select count(*)::int as n from parked_events where "view" = $1';
    return (await this.connection.query<{ n: number }>(text, [this.parkedAs])).rows[0]!.n;
  }

  private async indexes(): Promise<Index[]> {
    const { rows } = await this.connection.query<Index>(
      `select c.relname as name, i.indisunique or i.indisexclusion as unique, k.oid is not null as constraint,
         coalesce(pg_get_constraintdef(k.oid), substring(pg_get_indexdef(c.oid) from 'USING .*$')) as makes
       from pg_index i join pg_class c on c.oid = i.indexrelid
       left join pg_constraint k on k.conindid = c.oid and k.conrelid = i.indrelid
       where i.indrelid = to_regclass($1) order by c.relname`,
      [`"${this.live}"`],
    );
    return rows;
  }
}
