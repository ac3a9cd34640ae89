import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The household's list shows banks alone: among many connections of other kinds each page read past all of them. */
export class Banks1700000000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index connections_banks on connections (project_id, environment, created_at desc, id desc)
      where provider is not null`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index connections_banks');
  }
}
