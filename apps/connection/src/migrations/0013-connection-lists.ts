import type { MigrationInterface, QueryRunner } from 'typeorm';

/** One index per filter of the platform's list, each in the list's order within a state. */
export class ConnectionLists1700000000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('drop index connections_user');
    const order = 'created_at desc, id desc';
    await runner.query(`create index connections_user on connections (project_id, environment, user_id, ${order})`);
    await runner.query(`create index connections_state on connections (project_id, environment, state, ${order})`);
    await runner.query(
      `create index connections_server_state on connections (project_id, environment, server_id, state, ${order})`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index connections_server_state');
    await runner.query('drop index connections_state');
    await runner.query('drop index connections_user');
    await runner.query('create index connections_user on connections (user_id)');
  }
}
