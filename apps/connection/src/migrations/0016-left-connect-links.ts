import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Connect Links that are to be finished, in the order in which they are taken up: all links were read for that. */
export class LeftConnectLinks1700000000016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index connect_links_left on connect_links ((step = 'ended'), leased_until)
      where step in ('received', 'learnt', 'ended')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index connect_links_left');
  }
}
