import type { MigrationInterface, QueryRunner } from 'typeorm';

/** One index per filter of the list, each in the list's order. */
export class SessionLists1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('drop index link_sessions_user');
    await runner.query(`create index link_sessions_user on link_sessions
      (project_id, environment, user_id, created_at desc, id desc)`);
    await runner.query(`create index link_sessions_status on link_sessions
      (project_id, environment, status, created_at desc, id desc)`);
    await runner.query(`create index link_sessions_connection on link_sessions
      (project_id, environment, connection_id, created_at desc, id desc) where connection_id is not null`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index link_sessions_connection');
    await runner.query('drop index link_sessions_status');
    await runner.query('drop index link_sessions_user');
    await runner.query('create index link_sessions_user on link_sessions (user_id, created_at desc)');
  }
}
