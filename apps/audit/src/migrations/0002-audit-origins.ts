import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The summary is made when an entry is read; where an event came from is kept. The view is built again from the events. */
export class AuditOrigins1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('truncate audit_entries');
    await runner.query(`delete from checkpoints where "view" = 'audit_entries'`);
    await runner.query(`alter table audit_entries drop column summary,
      add column correlation_id text not null, add column causation_id text not null,
      add column address text, add column key_prefix text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('truncate audit_entries');
    await runner.query(`delete from checkpoints where "view" = 'audit_entries'`);
    await runner.query(`alter table audit_entries add column summary text not null,
      drop column correlation_id, drop column causation_id, drop column address, drop column key_prefix`);
  }
}
