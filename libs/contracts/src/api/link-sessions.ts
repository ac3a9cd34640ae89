import { z } from 'zod';
import type { SessionView } from '../link-session.js';
import {
  choice,
  cursor,
  integer,
  limit,
  moment,
  oneOf,
  optional,
  page,
  read,
  shortId,
  text,
  time,
  uuid,
  word,
} from './fields.js';
import { parseRedirectUrl } from './redirect-url.js';

const statuses = ['pending', 'active', 'completed', 'failed', 'expired', 'consumed'] as const;

const redirectUrl = optional(
  read(
    (value) => (value === '' ? '' : parseRedirectUrl(value)),
    'must be an absolute https URL (http on a loopback host only) without user info, at most 2048 characters percent-encoded',
  ).meta({ maxLength: 2048 }),
  '',
).describe(
  'The hosted page sends the person here after the end. https, or http on a loopback host; at most 2048 characters ' +
    'percent-encoded. It is kept and shown as a browser writes it, with `/` for an empty path.',
);

const expiresIn = optional(integer(0, 3600), 0)
  .transform((seconds) => seconds || 900)
  .meta({ default: 900 })
  .describe('Time to live in seconds. 0, null or absent is 900 (15 minutes).');

const label = optional(text(200), '').describe("Shown on the audit timeline and on the person's page.");

/** The order of the fields is the order in which they are refused. */
export const mintBody = z
  .object({
    user_id: z
      .string()
      .refine((value) => value.trim() !== '', 'is required')
      .meta({ minLength: 1 })
      .describe('UUID or short_id of a household user.'),
    provider: optional(oneOf(['', 'plaid', 'teller'], '"plaid" or "teller"'), '').describe(
      'Empty or absent lets the page show a picker.',
    ),
    single_use: optional(z.boolean(), false).describe('true burns the session after its first successful link.'),
    redirect_url: redirectUrl,
    expires_in_seconds: expiresIn,
    label,
  })
  .meta({ id: 'MintLinkSession' });
export type MintBody = z.output<typeof mintBody>;

export const relinkBody = z
  .object({ redirect_url: redirectUrl, expires_in_seconds: expiresIn, label })
  .meta({ id: 'RelinkConnection', description: 'Everything else follows from the connection.' });
export type RelinkBody = z.output<typeof relinkBody>;

export const linkSession = z
  .object({
    id: uuid,
    short_id: shortId,
    user_id: uuid,
    provider: z.enum(['', 'plaid', 'teller']).describe('Empty: the page shows a picker.'),
    action: z.enum(['link', 'relink']),
    connection_id: uuid.optional().describe('Only on `relink`: the connection being re-authenticated.'),
    single_use: z.boolean(),
    redirect_url: z.string().describe('Empty when unset.'),
    label: z.string().describe('Empty when unset.'),
    status: z.enum(statuses),
    error_code: z.string().optional().describe('Only on `failed`.'),
    error_message: z.string().optional().describe('Only on `failed`.'),
    result_connection_ids: z.array(uuid).describe('Connections added during the session, in their order.'),
    expires_at: time,
    started_at: time.nullable().describe('When the page first activated the session.'),
    completed_at: time.nullable().describe('When the session reached `completed` or `failed`.'),
    created_at: time,
  })
  .meta({ id: 'LinkSession' });
export type LinkSession = z.output<typeof linkSession>;

export const mintedSession = z
  .object({
    token: z.string().describe('The bearer token. Shown once, here; never again.'),
    url: z.url().describe('What the person opens: `<public base>/link/<token>`.'),
    ...linkSession.shape,
  })
  .meta({ id: 'MintedLinkSession' });

export const sessionsQuery = z.object({
  status: choice(statuses),
  user_id: word().describe('UUID or short_id.'),
  connection_id: word().describe('UUID or short_id.'),
  created_after: moment.describe('At or after this time.'),
  created_before: moment.describe('Before this time.'),
  limit: limit(200),
  cursor,
});
export type SessionsQuery = z.output<typeof sessionsQuery>;

export const sessionsPage = page('sessions', linkSession).meta({ id: 'LinkSessionPage' });

/** The API's object: what is absent and what is null is promised field by field. */
export const toLinkSession = (view: SessionView): LinkSession => ({
  id: view.id,
  short_id: view.short_id,
  user_id: view.user_id,
  provider: view.provider,
  action: view.action,
  ...(view.action === 'relink' && view.connection_id !== null && { connection_id: view.connection_id }),
  single_use: view.single_use,
  redirect_url: view.redirect_url,
  label: view.label,
  status: view.status,
  ...(view.status === 'failed' && { error_code: view.error_code ?? '', error_message: view.error_message ?? '' }),
  result_connection_ids: view.result_connection_ids,
  expires_at: view.expires_at,
  started_at: view.started_at,
  completed_at: view.completed_at,
  created_at: view.created_at,
});
