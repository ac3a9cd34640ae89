import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The sweep finds what is left to do of rotations without reading all there ever were. */
export class UnfinishedRotations1700000000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index api_keys_retiring on api_keys (retires_at)
      where successor_id is not null and revoked_at is null`);
    await runner.query('create index api_keys_rotations on api_keys (retires_at) where successor_id is not null');
    await runner.query('drop index api_keys_rotated');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('create index api_keys_rotated on api_keys (id) where successor_id is not null');
    await runner.query('drop index api_keys_rotations');
    await runner.query('drop index api_keys_retiring');
  }
}
