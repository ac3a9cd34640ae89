import { z } from 'zod';
import type { AuditEntry } from '../audit.js';
import { cursor, limit, moment, oneOf, page, time, word } from './fields.js';

export const auditEntry = z
  .object({
    position: z.string().describe('Where it stands in the order of all events.'),
    id: z.string(),
    at: time,
    type: z.string().meta({ examples: ['SessionMinted'] }),
    subject: z
      .object({ kind: z.string(), id: z.string(), short_id: z.string().nullable() })
      .describe(
        'What it happened to. `id` of a connection and of an agent session is its UUID, also on `/v1`, whose routes take ' +
          'the same 128 bits as `conn_` or `ses_` and 22 base62 digits (docs/subscribing.md shows how).',
      ),
    actor: z.object({
      type: z.enum(['api_key', 'person', 'provider', 'operator', 'system']),
      id: z.string(),
      name: z.string(),
    }),
    label: z.string().nullable(),
    summary: z.string().describe('A plain sentence.'),
    request_id: z.string(),
    origin: z
      .object({
        address: z.string().nullable().describe("The client's address; null when the system itself acted."),
        key_prefix: z.string().nullable().describe('Of the API key it came with.'),
        correlation_id: z.string().describe('What belongs together across services.'),
        causation_id: z.string().describe('The command that led to it.'),
      })
      .describe('Where it came from.'),
    data: z.record(z.string(), z.unknown()).describe('The facts of the event; never a secret.'),
  })
  .meta({ id: 'AuditEntry' });
export type Entry = z.output<typeof auditEntry>;

export const narrowing = {
  subject: word().describe(
    'Any id of a session, connection, Connect Link, key, user or project: UUID, short_id, conn_…, ses_…, prj_….',
  ),
  actor: word().describe('The id or the name of who did it.'),
  type: word().describe('The type of event, such as `SessionMinted`.'),
  request_id: word().describe('The `X-Request-Id` of the answer.'),
  from: moment.describe('At or after this time.'),
  to: moment.describe('Before this time.'),
};

export const auditQuery = z.object({
  ...narrowing,
  order: oneOf(['', 'asc', 'desc'], '"asc" or "desc"')
    .optional()
    .transform((order) => order || 'desc')
    .meta({ enum: ['asc', 'desc'], default: 'desc' })
    .describe('Newest first, or `asc`: oldest first.'),
  limit: limit(200),
  cursor,
});
export type AuditQuery = z.output<typeof auditQuery>;

export const auditStreamQuery = z.object(narrowing);
export type AuditStreamQuery = z.output<typeof auditStreamQuery>;

export const timelineQuery = z.object({ limit: limit(200), cursor });
export type TimelineQuery = z.output<typeof timelineQuery>;

export const auditPage = page('entries', auditEntry).meta({ id: 'AuditPage' });

export const toEntry = (entry: AuditEntry): Entry => ({
  position: entry.position,
  id: entry.id,
  at: entry.at,
  type: entry.type,
  subject: entry.subject,
  actor: entry.actor,
  label: entry.label,
  summary: entry.summary,
  request_id: entry.request_id,
  origin: entry.origin,
  data: entry.data,
});
