import { categoryOf } from '#contracts/categories.js';
import type { Tenant } from '#contracts/envelope.js';
import { type Recorded, streamIdOf } from '#eventstore/recorded.js';
import { sealedTextOf } from '#eventstore/sealed-text.js';
import type { AuditEntryRow } from './audit-entry.entity.js';
import type { Unchained } from './chain.js';
import { isAbout } from './timeline-bounds.js';

/** What all entries of a subject share: it stands in its first event. */
export type Subject = Pick<
  AuditEntryRow,
  'subject_kind' | 'subject_id' | 'subject_short_id' | 'label' | 'sealed_label' | 'project_id' | 'environment'
>;

type Facts = Record<string, unknown>;

/** Hashes of secrets, and what stands beside the data. A `code_hash` stays: its code is used up, and the chain holds it. */
const HIDDEN = new Set(['token_hash', 'key_hash', 'type', 'project_id', 'environment']);
const REDIRECTS = new Set(['redirect_url', 'redirect_uri']);

/** The subject as an event names it; only a stream's first event says its short_id and label. */
export function subjectOf({ id, stream, event, metadata }: Recorded): Subject {
  const facts: Facts = { ...event };
  const text = (name: string): string | null => (typeof facts[name] === 'string' && facts[name]) || null;
  const tenant = text('project_id') === null ? metadata : (facts as unknown as Tenant);
  return {
    subject_kind: categoryOf(stream),
    subject_id: streamIdOf(stream),
    subject_short_id: text('short_id'),
    label: text('label'),
    sealed_label: sealedLabel(id, event),
    project_id: tenant.project_id,
    environment: tenant.environment,
  };
}

function sealedLabel(event_id: string, event: { type: string }): Subject['sealed_label'] {
  const { key_number, text: { label } = {} } = sealedTextOf(event) ?? {};
  return label === undefined
    ? null
    : { event_id, personal: { key_number: key_number!, text: { label } }, type: event.type };
}

export function entryOf(recorded: Recorded, subject: Subject): Unchained {
  const { id, commit, event, metadata, created } = recorded;
  const written = created.toISOString();
  const { at = written } = event as { at?: string };
  // The subject comes last: properties that follow a spread are added one by one, for 20 µs here.
  return {
    position: String(commit),
    id,
    at,
    written_at: isAbout(at, created) ? null : written,
    type: event.type,
    actor_type: metadata.actor.type,
    actor_id: metadata.actor.id,
    actor_name: metadata.actor.name,
    request_id: metadata.request_id,
    correlation_id: metadata.correlation_id,
    causation_id: metadata.causation_id,
    address: metadata.address,
    key_prefix: metadata.key_prefix,
    data: factsOf(event),
    ...subject,
  };
}

/** The event's facts without hashes of secrets, and without what a redirect URL carries for the caller's own use. */
function factsOf(event: Facts): Facts {
  const facts: Facts = {};
  // In the order in which they are hashed.
  for (const name of Object.keys(event).sort()) if (!HIDDEN.has(name)) facts[name] = shown(name, event[name]);
  return facts;
}

function shown(name: string, value: unknown): unknown {
  if (REDIRECTS.has(name)) return withoutQuery(String(value));
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? factsOf(value as Facts) : value;
}

const withoutQuery = (url: string): string => url.replace(/[?#].*$/s, '');
