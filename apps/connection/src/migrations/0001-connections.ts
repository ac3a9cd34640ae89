import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createProjectionTables } from '#service/migrations.js';

export class Connections1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createProjectionTables(runner);
    await runner.query(`create table users (
      id uuid primary key, short_id text not null, project_id text not null, environment text not null,
      name text not null, email text, created_at text collate "C" not null, updated_at text not null)`);
    await runner.query('create index users_newest on users (project_id, environment, created_at desc, id desc)');
    await runner.query(`create table connections (
      id uuid primary key, short_id text not null, project_id text not null, environment text not null,
      user_id uuid not null, provider text not null, provider_item_id text not null, accounts_fingerprint text,
      institution_id text, institution_name text, state text not null, error_code text, error_message text,
      created_at text collate "C" not null, updated_at text not null, revoked_at text)`);
    await runner.query(
      'create index connections_newest on connections (project_id, environment, created_at desc, id desc)',
    );
    await runner.query('create index connections_user on connections (user_id)');
    await runner.query('create index connections_item on connections (provider, provider_item_id)');
    await runner.query(`create table vault_entries (
      connection_id uuid not null, field text not null, version int not null, project_id text not null,
      environment text not null, epoch int not null, wrapped_key bytea not null, ciphertext bytea not null,
      primary key (connection_id, field))`);
    await runner.query(`create table link_attempts (
      attempt_id text primary key, session_id uuid not null, token_hash text not null, connection_id uuid not null,
      project_id text not null, environment text not null, user_id uuid not null, action text not null,
      provider text not null, request_id text not null, address text, needed_repair boolean not null, state text not null,
      facts jsonb, created_at timestamptz not null default now(), leased_until timestamptz)`);
    await runner.query('create index link_attempts_open on link_attempts (created_at)');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['link_attempts', 'vault_entries', 'connections', 'users'])
      await runner.query(`drop table ${table}`);
  }
}
