import type { MigrationInterface, QueryRunner } from 'typeorm';

/** `key_uses` is written by no projection: a last use is no event. */
export class RotationAndUse1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table api_keys add allowed_ips text[] not null default '{}',
      add retires_at text collate "C", add successor_id uuid`);
    await runner.query('create index api_keys_rotated on api_keys (id) where successor_id is not null');
    await runner.query('create table key_uses (key_id uuid primary key, last_used_at text collate "C" not null)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table key_uses');
    await runner.query('alter table api_keys drop allowed_ips, drop retires_at, drop successor_id');
  }
}
