import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { KeyEvent, KeyScope, KeyView } from '#contracts/key.js';
import { type Projection, unchanged } from '#eventstore/projection.js';
import { rowPerStream } from '#eventstore/view.js';

/** Times are RFC 3339 text in UTC with milliseconds. The key's hash is not here: verifying reads the stream. */
@Entity('api_keys')
export class ApiKeyRow implements KeyView {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') short_id!: string;
  @Column('text') project_id!: string;
  @Column('text') environment!: 'live' | 'test';
  @Column('text') kind!: KeyView['kind'];
  @Column('text') name!: string;
  @Column('text') key_prefix!: string;
  @Column('text', { array: true }) scopes!: KeyScope[];
  @Column('text', { nullable: true }) actor_name!: string | null;
  @Column('text', { array: true }) allowed_ips!: string[];
  @Column('text') created_by!: string;
  @Column('text') created_at!: string;
  @Column('text', { nullable: true }) expires_at!: string | null;
  @Column('text', { nullable: true }) retires_at!: string | null;
  @Column('uuid', { nullable: true }) successor_id!: string | null;
  @Column('text', { nullable: true }) revoked_at!: string | null;
}

export const keyProjection: Projection<KeyView, KeyEvent> = {
  KeyCreated: ({ type: _type, key_hash: _hash, at, allowed_ips = [], ...terms }) => ({
    ...terms,
    allowed_ips,
    created_at: at,
    retires_at: null,
    successor_id: null,
    revoked_at: null,
  }),
  KeyRenamed: (e) => ({ name: e.name }),
  KeyRotated: (e) => ({ retires_at: e.retires_at, successor_id: e.successor.id }),
  KeyRevoked: (e) => ({ revoked_at: e.since ?? e.at }),
  KeyRefused: unchanged,
};

export const apiKeys = rowPerStream({
  name: 'api_keys',
  kind: 'api_key',
  entity: ApiKeyRow,
  projection: keyProjection,
});

/** The key as it is at this moment: one whose grace is over is revoked, also before that is recorded. */
export const keyAt = <Key extends KeyView>(key: Key, now: string): Key =>
  key.revoked_at === null && key.retires_at !== null && key.retires_at <= now
    ? { ...key, revoked_at: key.retires_at }
    : key;

/** Does the tenant keep this key, and can it do everything? One that was rotated is on its way out. */
export const isLastingAdmin = (key: KeyView, now: string): boolean =>
  key.kind === 'household' &&
  key.scopes.includes('full_access') &&
  key.revoked_at === null &&
  key.successor_id === null &&
  (key.expires_at === null || key.expires_at > now);
