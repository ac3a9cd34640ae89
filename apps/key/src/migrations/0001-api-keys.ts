import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createProjectionTables } from '#service/migrations.js';

export class ApiKeys1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createProjectionTables(runner);
    await runner.query(`create table api_keys (
      id uuid primary key, short_id text not null, project_id text not null, environment text not null,
      kind text not null, name text not null, key_prefix text not null, scopes text[] not null,
      actor_name text, created_by text not null, created_at text collate "C" not null,
      expires_at text collate "C", revoked_at text)`);
    await runner.query('create index api_keys_newest on api_keys (project_id, environment, created_at desc, id desc)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table api_keys');
  }
}
