import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LinkedBank, RelinkedBank } from '#contracts/connection.js';
import type { ProviderName, SessionAction } from '#contracts/link-session.js';

/** What an attempt found out, kept before the next step is taken. */
export type AttemptFacts = { bank: Omit<LinkedBank, 'provider'> } | RelinkedBank;

/**
 * An attempt on its way from the page's click to its outcome. It is written down before each step, so that whoever
 * finds it after a crash takes it up where it stands:
 * started (waiting for the person) → received (the provider's token is in the vault) → learnt (facts are known) → gone;
 * unwanted: the session refused it, and what exists at the provider must be removed.
 */
@Entity('link_attempts')
export class LinkAttempt {
  @PrimaryColumn('text') attempt_id!: string;
  @Column('uuid') session_id!: string;
  @Column('text') token_hash!: string;
  @Column('uuid') connection_id!: string;
  @Column('text') project_id!: string;
  @Column('text') environment!: 'live' | 'test';
  @Column('uuid') user_id!: string;
  @Column('text') action!: SessionAction;
  @Column('text') provider!: ProviderName;
  @Column('text') request_id!: string;
  @Column('text', { nullable: true }) address!: string | null;
  /** The connection needed a new sign-in when the attempt started. */
  @Column('boolean') needed_repair!: boolean;
  @Column('text') state!: 'started' | 'received' | 'learnt' | 'unwanted';
  @Column('jsonb', { nullable: true }) facts!: AttemptFacts | null;
  @Column('timestamptz', { default: () => 'now()' }) created_at!: Date;
  /** Until then somebody is at work on it. */
  @Column('timestamptz', { nullable: true }) leased_until!: Date | null;
}
