import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ConnectionEvent, ConnectionView } from '#contracts/connection.js';
import type { Json } from '#contracts/connection-metadata.js';
import { erased, type Projection, unchanged } from '#eventstore/projection.js';
import { rowPerStream } from '#eventstore/view.js';

@Entity('connections')
export class ConnectionRow implements ConnectionView {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') short_id!: string;
  @Column('text') project_id!: string;
  @Column('text') environment!: 'live' | 'test';
  @Column('text', { nullable: true }) user_id!: string | null;
  @Column('text') server_id!: string;
  @Column('text') auth_type!: ConnectionView['auth_type'];
  @Column('text', { nullable: true }) display_name!: string | null;
  @Column('jsonb') metadata!: Json;
  @Column('jsonb') connection_metadata!: Json;
  @Column('jsonb') cert_metadata!: Json;
  @Column('int', { nullable: true }) credential_version!: number | null;
  @Column('int', { nullable: true }) webhook_version!: number | null;
  @Column('int', { nullable: true }) webhook_previous!: number | null;
  @Column('text', { nullable: true }) webhook_previous_until!: string | null;
  @Column('text', { nullable: true }) provider!: ConnectionView['provider'];
  @Column('text', { nullable: true }) provider_item_id!: string | null;
  @Column('text', { nullable: true }) accounts_fingerprint!: string | null;
  @Column('text', { nullable: true }) institution_id!: string | null;
  @Column('text', { nullable: true }) institution_name!: string | null;
  @Column('text') state!: ConnectionView['state'];
  @Column('text', { nullable: true }) error_code!: string | null;
  @Column('text', { nullable: true }) error_message!: string | null;
  @Column('text') created_at!: string;
  @Column('text', { nullable: true }) connected_at!: string | null;
  @Column('text') updated_at!: string;
  @Column('text', { nullable: true }) revoked_at!: string | null;
  @Column('text', { nullable: true }) expires_at!: string | null;
  @Column('text', { nullable: true }) token_refresh_at!: string | null;
}

const healthy = (at: string) => ({
  state: 'connected' as const,
  error_code: null,
  error_message: null,
  updated_at: at,
});

/** What every connection starts with. */
const begun = (at: string) => ({
  ...healthy(at),
  metadata: {},
  webhook_version: null,
  webhook_previous: null,
  webhook_previous_until: null,
  created_at: at,
  connected_at: at,
  revoked_at: null,
  expires_at: null,
  token_refresh_at: null,
});

const noBank = {
  provider: null,
  provider_item_id: null,
  accounts_fingerprint: null,
  institution_id: null,
  institution_name: null,
};

export const connectionProjection: Projection<ConnectionView, ConnectionEvent> = {
  ConnectionLinked: ({ type: _type, session_id: _session, at, ...linked }) => ({
    ...linked,
    ...begun(at),
    server_id: linked.provider,
    auth_type: 'hosted_link',
    display_name: linked.institution_name,
    connection_metadata: {},
    cert_metadata: {},
    credential_version: null,
  }),
  ConnectionCreated: ({ type: _type, at, ...created }) => ({ ...begun(at), ...noBank, ...created }),
  CredentialRotated: ({ type: _type, at, ...changed }) => ({
    ...healthy(at),
    connected_at: at,
    expires_at: null,
    token_refresh_at: null,
    ...changed,
  }),
  CredentialRefreshed: ({ type: _type, at, ...changed }) => ({ ...changed, updated_at: at }),
  ConnectionExpired: (e) => ({
    state: 'needs_reauth',
    error_code: e.code,
    error_message: e.message,
    token_refresh_at: null,
    updated_at: e.at,
  }),
  MetadataChanged: (e) => ({ connection_metadata: e.connection_metadata, updated_at: e.at }),
  WebhookSecretSet: (e) => ({
    webhook_version: e.version,
    webhook_previous: e.previous,
    webhook_previous_until: e.previous_until,
    updated_at: e.at,
  }),
  ConnectionReauthRequired: (e) => ({
    state: 'needs_reauth',
    error_code: e.code,
    error_message: e.message,
    updated_at: e.at,
  }),
  ProviderErrorReported: (e) => ({
    state: 'error',
    error_code: e.code,
    error_message: e.message,
    updated_at: e.at,
  }),
  ConnectionRelinked: (e, row) => ({
    ...healthy(e.at),
    accounts_fingerprint: row.accounts_fingerprint || (e.accounts_fingerprint ?? null),
  }),
  ConnectionRepaired: (e) => healthy(e.at),
  WebhookReceived: unchanged,
  CredentialAccessed: unchanged,
  ConnectionDisconnected: (e) => ({ ...healthy(e.at), state: 'revoked', revoked_at: e.at }),
  ConnectionDeleted: () => null,
  // A bank is called by its own name.
  PersonalTextErased: erased((row) => ({
    display_name: row.institution_name,
    connection_metadata: {},
    cert_metadata: {},
  })),
};

export const connections = rowPerStream({
  name: 'connections',
  kind: 'connection',
  entity: ConnectionRow,
  projection: connectionProjection,
});
