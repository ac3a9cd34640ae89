import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Connect Links that are to be finished, and those that are to be put on record, each in the order in which they are taken up. */
export class LeftConnectLinks1700000000016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index connect_links_waited_for on connect_links (leased_until)
      where step in ('received', 'learnt')`);
    await runner.query("create index connect_links_over on connect_links (leased_until) where step = 'ended'");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index connect_links_over');
    await runner.query('drop index connect_links_waited_for');
  }
}
