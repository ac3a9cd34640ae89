import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Up to where in the stream the event of a delivery certainly does not stand; null is nowhere. */
export class DeliveryRevisions1700000000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table webhook_deliveries add column after_revision bigint');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table webhook_deliveries drop column after_revision');
  }
}
