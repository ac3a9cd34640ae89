import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { prepared } from '#service/prepared.js';

const KEPT = "interval '30 days'";
const SWEEP_EVERY_MS = 60_000;
const AT_ONCE = 1_000;

/**
 * The names of all deliveries, so that a repeat is known however late it comes, and their bodies, as the gateway sealed
 * them, for thirty days.
 */
@Injectable()
export class WebhookDeliveries {
  private readonly insert;
  private sweptAt = 0;

  constructor(private readonly dataSource: DataSource) {
    this.insert = prepared<{ delivery_id: string }>(
      dataSource,
      'webhook_deliveries_note',
      `insert into webhook_deliveries (connection_id, delivery_id, sealed)
       select $1, delivery_id, sealed from unnest($2::text[], $3::text[]) as given (delivery_id, sealed)
       on conflict do nothing returning delivery_id`,
    );
  }

  /** Answers with those that were not known before. */
  async note(connectionId: string, deliveries: { id: string; sealed: string }[]): Promise<Set<string>> {
    if (deliveries.length === 0) return new Set();
    const ids = deliveries.map(({ id }) => id);
    const rows = await this.insert([connectionId, ids, deliveries.map(({ sealed }) => sealed)]);
    return new Set(rows.map(({ delivery_id }) => delivery_id));
  }

  async forget(connectionId: string): Promise<void> {
    await this.dataSource.query('delete from webhook_deliveries where connection_id = $1', [connectionId]);
  }

  /** Once a minute: bodies that are over, and all that a deletion which did not end has left. */
  async sweep(now = Date.now()): Promise<void> {
    if (now - this.sweptAt < SWEEP_EVERY_MS) return;
    this.sweptAt = now;
    await this.dataSource.query(
      `update webhook_deliveries set sealed = null where (connection_id, delivery_id) in (
       select connection_id, delivery_id from webhook_deliveries
       where sealed is not null and received_at < now() - ${KEPT} limit ${AT_ONCE})`,
    );
    await this.dataSource.query(
      `delete from webhook_deliveries d where received_at < now() - interval '10 minutes' and sealed is not null
       and not exists (select from connections c where c.id = d.connection_id)`,
    );
  }
}
