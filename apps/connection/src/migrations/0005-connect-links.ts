import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Connect Links under way, and who refreshes which tokens. */
export class ConnectLinks1700000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create table connect_links (
      state_hash text primary key, project_id text not null, environment text not null, user_id text not null,
      server_id text not null, redirect_uri text not null, callback_url text not null, shop text,
      sealed_verifier text not null, expires_at timestamptz not null, request jsonb not null,
      step text not null default 'open', holder_id uuid not null default gen_random_uuid(),
      leased_until timestamptz, created_at timestamptz not null default now())`);
    await runner.query('create index connect_links_created on connect_links (created_at)');
    await runner.query(`create table token_leases (
      connection_id uuid primary key, holder uuid not null, until timestamptz not null)`);
    await runner.query('alter table connections add column token_refresh_at text');
    await runner.query(
      "create index connections_refresh on connections (token_refresh_at) where state = 'connected' and token_refresh_at is not null",
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('alter table connections drop column token_refresh_at');
    await runner.query('drop table token_leases');
    await runner.query('drop table connect_links');
  }
}
