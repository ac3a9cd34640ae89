import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ConnectionEvent, ConnectionView } from '#contracts/connection.js';
import type { Projection } from '#eventstore/projection.js';
import { rowPerStream } from '#eventstore/view.js';

@Entity('connections')
export class ConnectionRow implements ConnectionView {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') short_id!: string;
  @Column('text') project_id!: string;
  @Column('text') environment!: 'live' | 'test';
  @Column('uuid') user_id!: string;
  @Column('text') provider!: ConnectionView['provider'];
  @Column('text') provider_item_id!: string;
  @Column('text', { nullable: true }) accounts_fingerprint!: string | null;
  @Column('text', { nullable: true }) institution_id!: string | null;
  @Column('text', { nullable: true }) institution_name!: string | null;
  @Column('text') state!: ConnectionView['state'];
  @Column('text', { nullable: true }) error_code!: string | null;
  @Column('text', { nullable: true }) error_message!: string | null;
  @Column('text') created_at!: string;
  @Column('text') updated_at!: string;
  @Column('text', { nullable: true }) revoked_at!: string | null;
}

const healthy = (at: string) => ({
  state: 'connected' as const,
  error_code: null,
  error_message: null,
  updated_at: at,
});

export const connectionProjection: Projection<ConnectionView, ConnectionEvent> = {
  ConnectionLinked: ({ type: _type, session_id: _session, at, ...linked }) => ({
    ...linked,
    ...healthy(at),
    created_at: at,
    revoked_at: null,
  }),
  ConnectionReauthRequired: (e) => ({
    state: 'needs_reauth',
    error_code: e.code,
    error_message: e.message,
    updated_at: e.at,
  }),
  ConnectionRelinked: (e) => healthy(e.at),
  ConnectionRepaired: (e) => healthy(e.at),
  WebhookReceived: () => ({}),
  CredentialAccessed: () => ({}),
  ConnectionDisconnected: (e) => ({ ...healthy(e.at), state: 'revoked', revoked_at: e.at }),
};

export const connections = rowPerStream({
  name: 'connections',
  kind: 'connection',
  entity: ConnectionRow,
  projection: connectionProjection,
});
