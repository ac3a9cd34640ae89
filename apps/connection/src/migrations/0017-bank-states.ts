import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The household's list by status, in its order: among many banks in another state each page read past all of them. */
export class BankStates1700000000017 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index connections_bank_states
      on connections (project_id, environment, state, created_at desc, id desc) where provider is not null`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index connections_bank_states');
  }
}
