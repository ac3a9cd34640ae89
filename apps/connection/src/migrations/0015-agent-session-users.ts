import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Whether an end user has sessions is asked when their texts are erased: all sessions were read for that. */
export class AgentSessionUsers1700000000015 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('create index agent_sessions_user on agent_sessions (project_id, environment, user_id)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index agent_sessions_user');
  }
}
