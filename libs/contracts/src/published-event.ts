import type { AuditEntry } from './audit.js';

/**
 * What is said on the bus of each event that the timeline shows. Personal text stays behind: the API has it. `position` grows
 * from message to message; one whose position is not greater than the last comes again.
 */
export type PublishedEvent = Omit<AuditEntry, 'label' | 'summary'>;

/** `events.<category>.<Type>`; null for names that no subject of the bus can hold, which no event of ours has. */
export const eventSubject = (category: string, type: string): string | null =>
  /^\w+$/.test(category) && /^\w+$/.test(type) ? `events.${category}.${type}` : null;
