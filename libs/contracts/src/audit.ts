import type { Actor, Position, Tenant } from './envelope.js';

/** Where an event came from, beside its actor and its request. */
export interface AuditOrigin {
  /** The client's; null when the system itself acted. */
  address: string | null;
  key_prefix: string | null;
  /** What belongs together across services. */
  correlation_id: string;
  /** The command that led to it: events of one command share it. */
  causation_id: string;
}

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
  origin: AuditOrigin;
  data: Record<string, unknown>;
}

/** Which entries are wanted. */
export interface AuditNarrowing {
  subject?: string;
  actor?: string;
  type?: string;
  request_id?: string;
  from?: string;
  to?: string;
}

export interface AuditFilter extends AuditNarrowing {
  limit: number;
  cursor?: string;
  order?: 'asc' | 'desc';
}

/** How the timeline went on, oldest first. */
export interface AuditChanges {
  entries: AuditEntry[];
  /** Nothing that was asked for stands between the last entry and here: the next question begins behind it. */
  position: Position;
}
