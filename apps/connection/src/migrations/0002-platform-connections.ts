import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Connections of every server, credentials by version, and agents' sessions. */
export class PlatformConnections1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table connections
      alter column user_id type text, alter column user_id drop not null,
      alter column provider drop not null, alter column provider_item_id drop not null,
      add column server_id text, add column auth_type text, add column display_name text,
      add column metadata jsonb not null default '{}', add column connection_metadata jsonb not null default '{}',
      add column cert_metadata jsonb not null default '{}', add column credential_version int,
      add column webhook_version int, add column webhook_previous int, add column webhook_previous_until text,
      add column connected_at text, add column expires_at text`);
    await runner.query(`update connections set server_id = provider, auth_type = 'hosted_link',
      display_name = institution_name, connected_at = created_at`);
    await runner.query(
      'alter table connections alter column server_id set not null, alter column auth_type set not null',
    );
    await runner.query('create index connections_server on connections (project_id, environment, server_id, user_id)');
    await runner.query('alter table vault_entries drop constraint vault_entries_pkey');
    await runner.query('alter table vault_entries add primary key (connection_id, field, version)');
    await runner.query('alter table vault_entries add column created_at timestamptz not null default now()');
    await runner.query(`create table agent_sessions (
      id uuid primary key, project_id text not null, environment text not null, user_id text, servers jsonb not null,
      status text not null, created_at text collate "C" not null, closed_at text)`);
    await runner.query(
      'create index agent_sessions_newest on agent_sessions (project_id, environment, created_at desc, id desc)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table agent_sessions');
    await runner.query('delete from vault_entries where version > 1');
    await runner.query('alter table vault_entries drop constraint vault_entries_pkey, drop column created_at');
    await runner.query('alter table vault_entries add primary key (connection_id, field)');
    await runner.query('delete from connections where provider is null');
    await runner.query(`alter table connections alter column user_id type uuid using user_id::uuid,
      alter column user_id set not null, alter column provider set not null,
      alter column provider_item_id set not null, drop column server_id, drop column auth_type,
      drop column display_name, drop column metadata, drop column connection_metadata, drop column cert_metadata,
      drop column credential_version, drop column webhook_version, drop column webhook_previous,
      drop column webhook_previous_until, drop column connected_at, drop column expires_at`);
  }
}
