import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Labels that are sealed in the events are sealed here. */
export class SealedLabels1700000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table audit_entries add column sealed_label jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table audit_entries drop column sealed_label');
  }
}
