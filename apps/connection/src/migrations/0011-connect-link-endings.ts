import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who came back with a Connect Link, and how it ended, until that is on record. */
export class ConnectLinkEndings1700000000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table connect_links add column returned jsonb, add column ending jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table connect_links drop column returned, drop column ending');
  }
}
