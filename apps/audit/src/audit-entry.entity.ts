import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Actor } from '#contracts/envelope.js';
import type { TextToOpen } from '#contracts/erasure.js';

/** One event, as the timeline shows it. Times are RFC 3339 text in UTC with milliseconds. */
@Entity('audit_entries')
export class AuditEntryRow {
  @PrimaryColumn('bigint') position!: string;
  @Column('uuid') id!: string;
  @Column('text') at!: string;
  /** When the store wrote it, where that is not about the time that the event tells: see timeline-bounds.ts. */
  @Column('text', { nullable: true }) written_at!: string | null;
  @Column('text') type!: string;
  @PrimaryColumn('text') project_id!: string;
  @PrimaryColumn('text') environment!: 'live' | 'test';
  @Column('text') subject_kind!: string;
  @Column('text') subject_id!: string;
  @Column('text', { nullable: true }) subject_short_id!: string | null;
  @Column('text', { nullable: true }) label!: string | null;
  /** The label as the subject's first event has it, where it is sealed. */
  @Column('jsonb', { nullable: true }) sealed_label!: Omit<TextToOpen, 'stream'> | null;
  @Column('text') actor_type!: Actor['type'];
  @Column('text') actor_id!: string;
  @Column('text') actor_name!: string;
  @Column('text') request_id!: string;
  @Column('text') correlation_id!: string;
  @Column('text') causation_id!: string;
  @Column('text', { nullable: true }) address!: string | null;
  @Column('text', { nullable: true }) key_prefix!: string | null;
  @Column('jsonb') data!: Record<string, unknown>;
  /** The place in the chain of its project and environment, from 1 on; see chain.ts. */
  @Column('bigint') seq!: string;
  @Column('text') hash!: string;
}
