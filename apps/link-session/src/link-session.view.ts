import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { ProviderName, SessionEvent, SessionView } from '#contracts/link-session.js';
import { erased, type Projection, unchanged } from '#eventstore/projection.js';
import { rowPerStream } from '#eventstore/view.js';

/** Times are RFC 3339 text in UTC with milliseconds, so that they sort as they stand. */
@Entity('link_sessions')
export class LinkSessionRow implements SessionView {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') short_id!: string;
  @Column('text') project_id!: string;
  @Column('text') environment!: 'live' | 'test';
  @Column('uuid') user_id!: string;
  @Column('text') provider!: ProviderName | '';
  @Column('text') action!: SessionView['action'];
  @Column('uuid', { nullable: true }) connection_id!: string | null;
  @Column('boolean') single_use!: boolean;
  @Column('text') redirect_url!: string;
  @Column('text') label!: string;
  @Column('text') status!: SessionView['status'];
  @Column('text', { nullable: true }) error_code!: string | null;
  @Column('text', { nullable: true }) error_message!: string | null;
  @Column('text', { array: true }) result_connection_ids!: string[];
  @Column('text') expires_at!: string;
  @Column('text', { nullable: true }) started_at!: string | null;
  @Column('text', { nullable: true }) completed_at!: string | null;
  @Column('text') created_at!: string;
  @Column('text', { array: true }) in_flight!: string[];
  @Column('jsonb', { nullable: true }) last_refusal!: SessionView['last_refusal'];
}

export const sessionProjection: Projection<SessionView, SessionEvent> = {
  // The rest comes last: properties that follow a spread are added one by one, for 20 µs here.
  SessionMinted: ({ type: _type, token_hash: _hash, at, ...terms }) => ({
    status: 'pending',
    error_code: null,
    error_message: null,
    result_connection_ids: [],
    started_at: null,
    completed_at: null,
    created_at: at,
    in_flight: [],
    last_refusal: null,
    ...terms,
  }),
  SessionActivated: (e) => ({ status: 'active', started_at: e.at }),
  AttemptStarted: () => ({ last_refusal: null }),
  AttemptClaimed: (e, row) => ({
    in_flight: [...row.in_flight, e.attempt_id],
    status: row.single_use ? 'consumed' : row.status,
  }),
  AttemptRefused: (e, row) => ({
    in_flight: without(row.in_flight, e.attempt_id),
    status: row.in_flight.includes(e.attempt_id) ? 'active' : row.status,
    last_refusal: { code: e.code, message: e.message },
  }),
  AttemptSucceeded: (e, row) => ({
    in_flight: without(row.in_flight, e.attempt_id),
    result_connection_ids: [...without(row.result_connection_ids, e.connection_id), e.connection_id],
    last_refusal: null,
  }),
  UseRefused: unchanged,
  SessionHandedOver: unchanged,
  SessionCompleted: (e) => ({ status: 'completed', completed_at: e.at }),
  SessionFailed: (e) => ({
    status: 'failed',
    completed_at: e.at,
    error_code: e.error_code,
    error_message: e.error_message,
  }),
  SessionExpired: () => ({ status: 'expired' }),
  PersonalTextErased: erased<SessionView>(() => ({ label: '' })),
};

export const linkSessions = rowPerStream({
  name: 'link_sessions',
  kind: 'link_session',
  entity: LinkSessionRow,
  projection: sessionProjection,
});

const without = (list: string[], item: string): string[] => list.filter((one) => one !== item);

/** A session expires at its time, whether or not the sweep has recorded it yet. */
export const sessionAt = <V extends SessionView>(session: V, now: string): V => {
  const live = session.status === 'pending' || session.status === 'active';
  return live && session.expires_at <= now && session.in_flight.length === 0
    ? { ...session, status: 'expired' }
    : session;
};
