import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The order of all entries is an index of its own, which only those find who ask for it by `position + 0`. While it was
 * found by the position itself, a page of a project that had been quiet for long was looked for among everybody's entries,
 * from the newest on: the database cannot know that a project's are far behind.
 */
export class OrderOfProjects1700000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table audit_entries drop constraint audit_entries_pkey,
      add primary key (project_id, environment, position)`);
    await runner.query('drop index audit_tenant_position');
    await runner.query('create index audit_position on audit_entries ((position + 0))');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index audit_position');
    await runner.query('create index audit_tenant_position on audit_entries (project_id, environment, position)');
    await runner.query('alter table audit_entries drop constraint audit_entries_pkey, add primary key (position)');
  }
}
