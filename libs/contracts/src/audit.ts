import type { Actor, Tenant } from './envelope.js';

/** One line of the timeline: an event as a person reads it. No secrets. */
export interface AuditEntry extends Tenant {
  position: string;
  id: string;
  at: string;
  type: string;
  subject: { kind: string; id: string; short_id: string | null };
  actor: Actor;
  label: string | null;
  summary: string;
  request_id: string;
  data: Record<string, unknown>;
}

export interface AuditFilter {
  subject?: string;
  actor?: string;
  type?: string;
  request_id?: string;
  from?: string;
  to?: string;
  limit: number;
  cursor?: string;
  order?: 'asc' | 'desc';
}
