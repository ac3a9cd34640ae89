import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { InTurn, upTo, type Waiting } from '#service/in-turn.js';
import { prepared } from '#service/prepared.js';

const KEPT = "interval '30 days'";
const SWEEP_EVERY_MS = 60_000;
const AT_ONCE = 1_000;
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
  private readonly inTurn = new InTurn<Noting, Set<string>>(
    upTo(MOST_TOGETHER, MOST_BYTES_TOGETHER, ({ deliveries }) =>
      deliveries.reduce((sum, { sealed }) => sum + sealed.length, 0),
    ),
    (_, batch) => this.noteAll(batch),
  );
  private sweptAt = 0;

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
    return this.inTurn.add(EVERY_CONNECTION, noting);
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

  async forget(connectionId: string): Promise<void> {
    await this.dataSource.query('delete from webhook_deliveries where connection_id = $1', [connectionId]);
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
    if (cleared === AT_ONCE) this.sweptAt = 0;
    await this.dataSource.query(
      `delete from webhook_deliveries d where received_at < now() - interval '10 minutes' and sealed is not null
       and not exists (select from connections c where c.id = d.connection_id)`,
    );
  }
}
