import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { Column, type DataSource, Entity, PrimaryColumn, type QueryRunner } from 'typeorm';
import type { Tenant } from '#contracts/envelope.js';
import { poolOf } from './pool.js';

const AT_ONCE = 200;

/** A key that personal text of one stream is sealed under. Once destroyed, the row says when, and nothing else. */
@Entity('subject_keys')
export class SubjectKeyRow {
  @PrimaryColumn('text') stream!: string;
  @PrimaryColumn('int') number!: number;
  @Column('text') project_id!: string;
  @Column('text') environment!: 'live' | 'test';
  /** The user that the thing is of, by the name the caller gave. */
  @Column('text', { nullable: true }) owner!: string | null;
  @Column('bytea', { nullable: true }) key!: Buffer | null;
  /** The position of the event that says so. */
  @Column('bigint', { nullable: true }) erased_at!: string | null;
}

export async function createSubjectKeys(runner: QueryRunner): Promise<void> {
  await runner.query(`create table subject_keys (
    stream text not null, number int not null, project_id text not null, environment text not null, owner text,
    key bytea, erased_at bigint, primary key (stream, number))`);
  await runner.query('create index subject_keys_owner on subject_keys (owner) where owner is not null');
}

export interface KeyName {
  stream: string;
  number: number;
}

/** Whose key it is, as the stream's first event says. */
export interface NewKey extends KeyName, Tenant {
  owner: string | null;
}

export type ListedKey = Pick<SubjectKeyRow, 'stream' | 'number' | 'erased_at'>;

interface Waiting {
  wanted: NewKey;
  resolve: (key: Buffer | null) => void;
  reject: (error: unknown) => void;
}

export interface KeysOf {
  streams: string[];
  /** Streams of things that belong to a user of these names, too. */
  owners: string[];
}

/** An update of what is there already makes the statement answer with it. */
const MAKE = `insert into subject_keys (stream, number, project_id, environment, owner, key)
  select stream, number, project_id, environment, owner, decode(key, 'hex')
  from jsonb_to_recordset($1::jsonb) as k (stream text, number int, project_id text, environment text, owner text, key text)
  order by stream, number
  on conflict (stream, number) do update set owner = excluded.owner returning stream, number, key`;

/** Each one by its index: a join may read all keys there are for the few that a batch wants. */
const FIND = `select k.* from unnest($1::text[], $2::int[]) as w (stream, number) cross join lateral (
  select stream, number, key from subject_keys where stream = w.stream and number = w.number limit 1) k
  where k.key is not null`;

const LIST = `select stream, number, erased_at from subject_keys
  where project_id = $1 and environment = $2 and (stream = any($3) or owner = any($4))`;

const ERASURES = `select coalesce(max(number) + 1, 0) as n from subject_keys where stream = $1 and erased_at is not null`;

const DESTROY = `update subject_keys set key = null, erased_at = coalesce(erased_at, $3)
  where stream = $1 and number <= $2 and (key is not null or erased_at is null)`;

/**
 * The keys of personal text, in a table of the service that owns the streams. No copy is kept in memory: what is
 * destroyed here opens nowhere from that moment on, whichever replica is asked.
 */
export class SubjectKeys {
  private readonly waiting: Waiting[] = [];
  private working = false;

  constructor(private readonly dataSource: DataSource) {}

  /** The key of that number, made and durable if it was not there; null when it has been destroyed. */
  make(wanted: NewKey): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ wanted, resolve, reject });
      void this.work();
    });
  }

  /** By `nameOf`, those that still exist. */
  async find(names: KeyName[]): Promise<Map<string, Buffer>> {
    const values = [names.map(({ stream }) => stream), names.map(({ number }) => number)];
    const { rows } = await this.pool.query<KeyName & { key: Buffer }>({ name: 'find_keys', text: FIND, values });
    return new Map(rows.map((row) => [nameOf(row), row.key]));
  }

  async list({ project_id, environment }: Tenant, { streams, owners }: KeysOf): Promise<ListedKey[]> {
    const { rows } = await this.pool.query<ListedKey>(LIST, [project_id, environment, streams, owners]);
    return rows;
  }

  /** So often was text of this stream erased, whichever replica did it. */
  async erasures(stream: string): Promise<number> {
    const { rows } = await this.pool.query<{ n: number }>(ERASURES, [stream]);
    return rows[0]!.n;
  }

  /** For good, with all that came before. */
  async destroy({ stream, number }: KeyName, position: bigint | string): Promise<void> {
    await this.pool.query(DESTROY, [stream, number, String(position)]);
  }

  /** What arrives while a statement is on its way shares the next one, so that many cost hardly more than one. */
  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    while (this.waiting.length > 0) await this.makeAll(this.waiting.splice(0, AT_ONCE));
    this.working = false;
  }

  private async makeAll(batch: Waiting[]): Promise<void> {
    const byName = new Map(batch.map(({ wanted }) => [nameOf(wanted), wanted]));
    const rows = [...byName.values()].map((wanted) => ({ ...wanted, key: randomBytes(32).toString('hex') }));
    try {
      const values = [JSON.stringify(rows)];
      const made = await this.pool.query<KeyName & { key: Buffer | null }>({ name: 'make_keys', text: MAKE, values });
      const keys = new Map(made.rows.map((row) => [nameOf(row), row.key]));
      for (const { wanted, resolve } of batch) resolve(keys.get(nameOf(wanted)) ?? null);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  private get pool(): Pool {
    return poolOf(this.dataSource);
  }
}

export const nameOf = ({ stream, number }: KeyName): string => `${stream} ${number}`;
