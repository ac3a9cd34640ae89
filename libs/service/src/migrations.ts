import type { QueryRunner } from 'typeorm';

/** Where each view of a service stands, and what it had to put aside: the same two tables in every schema. */
export async function createProjectionTables(runner: QueryRunner): Promise<void> {
  await runner.query(`create table if not exists checkpoints (
    "view" text primary key, "commit" text not null, "prepare" text not null)`);
  await runner.query(`create table if not exists parked_events (
    "view" text, event_id uuid, stream text not null, type text not null, "commit" text not null, error text not null,
    primary key ("view", event_id))`);
}
