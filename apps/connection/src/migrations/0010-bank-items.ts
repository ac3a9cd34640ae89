import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whose link made which item at the sandbox bank: the bank itself knows nothing of tenants. */
export class BankItems1700000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table bank_items (
      id text primary key, project_id text not null, environment text not null)`);
    await runner.query(`insert into bank_items
      select distinct on (provider_item_id) provider_item_id, project_id, environment from connections
      where provider_item_id is not null on conflict do nothing`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table bank_items');
  }
}
