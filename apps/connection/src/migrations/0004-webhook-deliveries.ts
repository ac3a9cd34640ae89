import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What providers delivered: the body for thirty days, the name for as long as the connection is known. */
export class WebhookDeliveries1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table webhook_deliveries (
      connection_id uuid not null, delivery_id text collate "C" not null,
      received_at timestamptz not null default now(), sealed text,
      primary key (connection_id, delivery_id))`);
    await runner.query(
      'create index webhook_deliveries_kept on webhook_deliveries (received_at) where sealed is not null',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table webhook_deliveries');
  }
}
