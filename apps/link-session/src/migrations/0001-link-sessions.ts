import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createProjectionTables } from '#service/migrations.js';

export class LinkSessions1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createProjectionTables(runner);
    await runner.query(`create table link_sessions (
      id uuid primary key, short_id text not null, project_id text not null, environment text not null,
      user_id uuid not null, provider text not null, action text not null, connection_id uuid,
      single_use boolean not null, redirect_url text not null, label text not null, status text not null,
      error_code text, error_message text, result_connection_ids text[] not null,
      expires_at text collate "C" not null, started_at text, completed_at text, created_at text collate "C" not null,
      in_flight text[] not null, last_refusal jsonb)`);
    await runner.query(
      `create index link_sessions_newest on link_sessions (project_id, environment, created_at desc, id desc)`,
    );
    await runner.query(`create index link_sessions_user on link_sessions (user_id, created_at desc)`);
    await runner.query(
      `create index link_sessions_due on link_sessions (expires_at) where status in ('pending', 'active')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table link_sessions');
  }
}
