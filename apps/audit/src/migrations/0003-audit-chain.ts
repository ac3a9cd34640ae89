import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Each entry gets its place in the chain of its project, from the first one on: the view is built again from the events. */
export class AuditChain1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await rebuild(runner);
    await runner.query('alter table audit_entries add column seq bigint not null, add column hash text not null');
    await runner.query(`create table audit_checkpoints (
      project_id text, environment text, seq bigint, hash text not null, signed_at timestamptz not null default now(),
      jws text not null, primary key (project_id, environment, seq))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await rebuild(runner);
    await runner.query('drop table audit_checkpoints');
    await runner.query('alter table audit_entries drop column seq, drop column hash');
  }
}

/** From the first event on. */
export async function rebuild(runner: QueryRunner): Promise<void> {
  await runner.query('truncate audit_entries');
  await runner.query(`delete from checkpoints where "view" = 'audit_entries'`);
}
