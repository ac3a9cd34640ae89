import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createProjectionTables } from '#service/migrations.js';

/** One index per filter of the timeline, each in the timeline's order. */
export class AuditEntries1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createProjectionTables(runner);
    await runner.query(`create table audit_entries (
      position bigint primary key, id uuid not null, at text collate "C" not null, type text not null,
      project_id text not null, environment text not null,
      subject_kind text not null, subject_id text not null, subject_short_id text, label text,
      actor_type text not null, actor_id text not null, actor_name text not null,
      summary text not null, request_id text not null, data jsonb not null)`);
    await runner.query('create index audit_subject on audit_entries (subject_id, position)');
    await runner.query('create index audit_request on audit_entries (request_id, position)');
    for (const column of ['position', 'type, position', 'actor_id, position', 'actor_name, position', 'at']) {
      const name = `audit_tenant_${column.replace(/, position/, '')}`;
      await runner.query(`create index ${name} on audit_entries (project_id, environment, ${column})`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table audit_entries');
  }
}
