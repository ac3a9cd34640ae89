import type { MigrationInterface, QueryRunner } from 'typeorm';
import { rebuild } from './0003-audit-chain.js';

const WRITTEN = 'project_id, environment, coalesce(written_at, at)';

/** When an entry was written is only in its event: the view is built again. */
export class WrittenAt1700000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await rebuild(runner);
    await runner.query('alter table audit_entries add column written_at text collate "C"');
    await runner.query('drop index audit_tenant_at');
    await runner.query(`create index audit_tenant_written on audit_entries (${WRITTEN})`);
    await runner.query(`create index audit_tenant_odd on audit_entries (project_id, environment, position, at)
      where written_at is not null`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table audit_entries drop column written_at');
    await runner.query('create index audit_tenant_at on audit_entries (project_id, environment, at)');
  }
}
