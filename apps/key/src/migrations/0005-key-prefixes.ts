import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A mistyped key leads to the one that begins like it. */
export class KeyPrefixes1700000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index api_keys_prefix on api_keys (key_prefix)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index api_keys_prefix');
  }
}
