import type { AuditOrigin } from './audit.js';
import type { Actor, Position, Tenant } from './envelope.js';

/** What is said on the bus of each event that the timeline shows. Personal text stays behind: the API has it. */
export interface PublishedEvent extends Tenant {
  /** Grows from message to message; one that is not greater than the last comes again. */
  position: Position;
  id: string;
  at: string;
  type: string;
  subject: { kind: string; id: string; short_id: string | null };
  actor: Actor;
  request_id: string;
  origin: AuditOrigin;
  data: Record<string, unknown>;
}

/** `events.<category>.<Type>`; null for names that no subject of the bus can hold, which no event of ours has. */
export const eventSubject = (category: string, type: string): string | null =>
  /^\w+$/.test(category) && /^\w+$/.test(type) ? `events.${category}.${type}` : null;
