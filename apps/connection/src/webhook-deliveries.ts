import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BatchQueue, takeUpTo, type Waiting } from '#service/batch-queue.js';
import { prepared } from '#service/prepared.js';

const KEPT = "interval '30 days'";
const SWEEP_EVERY_MS = 60_000;
const AT_ONCE = 1_000;
/** Of so many connections each sweep finds out whether they are still there: in a tenth of a second. */
const CONNECTIONS_AT_ONCE = 2_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';
/** The row of a connection may be late: deliveries so young are left alone. */
const LATE = "interval '10 minutes'";
const MOST_TOGETHER = 32;
const MOST_BYTES_TOGETHER = 4 * 1024 * 1024;
const EVERY_CONNECTION = '';

interface Noting {
  connectionId: string;
  /** Of the connection's stream: no event of these deliveries stands up to here. */
  revision: bigint;
  deliveries: { id: string; sealed: string }[];
}

interface Named {
  connection_id: string;
  delivery_id: string;
}

/**
 * The names of all deliveries, so that a repeat is known however late it comes, and their bodies, as the gateway sealed
 * them, for thirty days.
 */
@Injectable()
export class WebhookDeliveries {
  private readonly insert;
  private readonly queue = new BatchQueue<Noting, Set<string>>(
    takeUpTo(MOST_TOGETHER, MOST_BYTES_TOGETHER, ({ deliveries }) =>
      deliveries.reduce((sum, { sealed }) => sum + sealed.length, 0),
    ),
    (_, batch) => this.noteAll(batch),
  );
  private sweptAt = 0;
  private lookedUpTo = BEFORE_ALL;

  constructor(private readonly dataSource: DataSource) {
    this.insert = prepared<Named>(
      dataSource,
      'webhook_deliveries_note',
      `insert into webhook_deliveries (connection_id, delivery_id, sealed, after_revision)
       select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) order by 1, 2
       on conflict do nothing returning connection_id, delivery_id`,
    );
  }

  /** Answers with the names that were not known before. What arrives while a statement is on its way shares the next one. */
  async note(noting: Noting): Promise<Set<string>> {
    if (noting.deliveries.length === 0) return new Set();
    return this.queue.add(EVERY_CONNECTION, noting);
  }

  private async noteAll(batch: Waiting<Noting, Set<string>>[]): Promise<void> {
    const all = batch.flatMap(({ deliveries, ...where }) => deliveries.map((one) => ({ ...where, ...one })));
    const columns = [
      all.map(({ connectionId }) => connectionId),
      all.map(({ id }) => id),
      all.map(({ sealed }) => sealed),
      all.map(({ revision }) => String(revision)),
    ];
    const noted = new Map(batch.map(({ connectionId }) => [connectionId, new Set<string>()]));
    for (const row of await this.insert(columns)) noted.get(row.connection_id)!.add(row.delivery_id);
    for (const { connectionId, answer } of batch) answer(noted.get(connectionId)!);
  }

  /** Of each name, up to which revision of the stream its event certainly does not stand. */
  async absentUpTo(connectionId: string, names: string[]): Promise<Map<string, bigint>> {
    const rows = await this.dataSource.query<{ delivery_id: string; after_revision: string | null }[]>(
      `select delivery_id, after_revision from webhook_deliveries where connection_id = $1 and delivery_id = any($2)`,
      [connectionId, names],
    );
    const known = new Map(rows.map((row) => [row.delivery_id, BigInt(row.after_revision ?? -1)]));
    return new Map(names.map((name) => [name, known.get(name) ?? -1n]));
  }

  async markAbsent(connectionId: string, upTo: Map<string, bigint>): Promise<void> {
    await this.dataSource.query(
      `update webhook_deliveries d set after_revision = n.revision
       from unnest($2::text[], $3::bigint[]) as n (name, revision)
       where d.connection_id = $1 and d.delivery_id = n.name`,
      [connectionId, [...upTo.keys()], [...upTo.values()].map(String)],
    );
  }

  /** Of a connection that was deleted; what is more than one statement can delete is left to the sweep. */
  async forget(connectionId: string): Promise<void> {
    await this.deleteSome([connectionId], "interval '0'");
  }

  /** As many as one statement has the time for; answers whether there may be more. */
  private async deleteSome(connectionIds: string[], age: string): Promise<boolean> {
    const [, deleted] = await this.dataSource.query<[unknown[], number]>(
      `delete from webhook_deliveries where (connection_id, delivery_id) in (
       select d.* from unnest($1::uuid[]) as gone (id) cross join lateral (
         select connection_id, delivery_id from webhook_deliveries
         where connection_id = gone.id and received_at <= now() - ${age} limit ${AT_ONCE}) d
       limit ${AT_ONCE})`,
      [connectionIds],
    );
    return deleted === AT_ONCE;
  }

  /**
   * Once a minute, and at the next call while there is more: bodies that are over, and all that a deletion which did not
   * end has left.
   */
  async sweep(now = Date.now()): Promise<void> {
    if (now - this.sweptAt < SWEEP_EVERY_MS) return;
    this.sweptAt = now;
    const [, cleared] = await this.dataSource.query<[unknown[], number]>(
      `update webhook_deliveries set sealed = null where (connection_id, delivery_id) in (
       select connection_id, delivery_id from webhook_deliveries
       where sealed is not null and received_at < now() - ${KEPT} limit ${AT_ONCE})`,
    );
    const isMore = await this.sweepDeleted();
    if (cleared === AT_ONCE || isMore) this.sweptAt = 0;
  }

  /** Of the next connections that have any; behind the last of them come the first. */
  private async sweepDeleted(): Promise<boolean> {
    const next = await this.dataSource.query<{ id: string; is_gone: boolean }[]>(NEXT_CONNECTIONS, [this.lookedUpTo]);
    const gone = next.filter(({ is_gone }) => is_gone).map(({ id }) => id);
    const isMore = gone.length > 0 && (await this.deleteSome(gone, LATE));
    if (!isMore) this.lookedUpTo = next.length < CONNECTIONS_AT_ONCE ? BEFORE_ALL : next.at(-1)!.id;
    return isMore;
  }
}

/** From one connection to the next over the primary key: whoever reads all deliveries to tell them does not end in time. */
const NEXT_CONNECTIONS = `with recursive named (id) as (
    (select connection_id from webhook_deliveries where connection_id > $1 order by connection_id limit 1)
    union all
    select (select connection_id from webhook_deliveries where connection_id > n.id order by connection_id limit 1)
    from named n where n.id is not null
  )
  select id, not exists (select from connections c where c.id = named.id) as is_gone
  from named where id is not null limit ${CONNECTIONS_AT_ONCE}`;
