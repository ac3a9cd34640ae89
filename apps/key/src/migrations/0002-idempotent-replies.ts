import type { MigrationInterface, QueryRunner } from 'typeorm';

export class IdempotentReplies1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table idempotent_replies (
      scope text primary key, body_hash text not null, seed text not null, status int, sealed text,
      leased_until timestamptz not null, created_at timestamptz not null default now())`);
    await runner.query('create index idempotent_replies_age on idempotent_replies (created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table idempotent_replies');
  }
}
