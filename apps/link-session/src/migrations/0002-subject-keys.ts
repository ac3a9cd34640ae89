import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createSubjectKeys } from '#eventstore/subject-keys.js';

/** The keys of personal text in events. */
export class SubjectKeys1700000000002 implements MigrationInterface {
  up(runner: QueryRunner): Promise<void> {
    return createSubjectKeys(runner);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table subject_keys');
  }
}
