import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where each view of a service stands, and what it had to put aside: the same two tables in every schema. */
export async function createProjectionTables(runner: QueryRunner): Promise<void> {
  await runner.query(`create table if not exists checkpoints (
    "view" text primary key, "commit" text not null, "prepare" text not null)`);
  await runner.query(`create table if not exists parked_events (
    "view" text, event_id uuid, stream text not null, type text not null, "commit" text not null, error text not null,
    primary key ("view", event_id))`);
}

/** What was replayed, by whom it is asked for and how far it is: in every schema, so that any replica can tell. */
export class ViewReplays1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table view_replays (
      id uuid, "view" text, verify boolean not null, state text not null, phase text not null,
      events int not null default 0, events_per_second int not null default 0, seconds_left int, drift jsonb,
      parked int not null default 0, error text, started_at timestamptz not null default now(),
      finished_at timestamptz, seen_at timestamptz not null default now(), primary key (id, "view"))`);
    await runner.query('create index view_replays_newest on view_replays (started_at desc)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table view_replays');
  }
}

/** The end of a replay is told by its event once the row says it: of those that have a row already, it was. */
export class ViewReplaysTold1700000000020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('alter table view_replays add column told boolean not null default true');
    await runner.query('alter table view_replays alter column told set default false');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table view_replays drop column told');
  }
}

export const replayMigrations = [ViewReplays1700000000000, ViewReplaysTold1700000000020];
