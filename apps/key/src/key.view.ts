import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { KeyEvent, KeyScope, KeyView } from '#contracts/key.js';
import type { Projection } from '#eventstore/projection.js';
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
  @Column('text') created_by!: string;
  @Column('text') created_at!: string;
  @Column('text', { nullable: true }) expires_at!: string | null;
  @Column('text', { nullable: true }) revoked_at!: string | null;
}

export const keyProjection: Projection<KeyView, KeyEvent> = {
  KeyCreated: ({ type: _type, key_hash: _hash, at, ...terms }) => ({ ...terms, created_at: at, revoked_at: null }),
  KeyRevoked: (e) => ({ revoked_at: e.at }),
};

export const apiKeys = rowPerStream({
  name: 'api_keys',
  kind: 'api_key',
  entity: ApiKeyRow,
  projection: keyProjection,
});
