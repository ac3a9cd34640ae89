import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Neither table is written by a projection: passwords and sessions are no events. */
export class Operators1700000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table operator_passwords (
      id uuid primary key, operator_id uuid not null, salt text not null, memory_kib int not null, passes int not null,
      lanes int not null, verifier text not null, created_at timestamptz not null default now())`);
    await runner.query('create index operator_passwords_of on operator_passwords (operator_id)');
    await runner.query(`create table operator_sessions (
      token_hash text primary key, sign_in_id uuid not null, operator_id uuid not null, epoch int not null,
      started_at timestamptz not null default now(), seen_at timestamptz not null default now())`);
    await runner.query('create index operator_sessions_of on operator_sessions (operator_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table operator_sessions');
    await runner.query('drop table operator_passwords');
  }
}
