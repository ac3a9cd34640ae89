import type { MigrationInterface, QueryRunner } from 'typeorm';

export class Projects1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table projects (
      id text collate "C" primary key, org_id text not null, name text not null, slug text not null,
      is_default boolean not null, redirect_origins text[] not null, created_at text collate "C" not null)`);
    await runner.query('create index projects_newest on projects (org_id, created_at desc, id desc)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table projects');
  }
}
