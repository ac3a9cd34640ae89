import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Not written by a projection: a key stands here before its first event does. */
export class BegunKeys1700000000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create table begun_keys (id uuid primary key)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table begun_keys');
  }
}
