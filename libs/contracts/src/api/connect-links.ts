import { z } from 'zod';
import { filled, optional, read, time } from './fields.js';
import { parseRedirectUrl } from './redirect-url.js';

/** RFC 6749 allows these characters in a scope; a comma would be two at some providers. */
const scope = z.string().regex(/^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,200}$/, 'must be the name of a scope');

const redirectUri = read(
  parseRedirectUrl,
  'must be an absolute https URL, or http on a loopback host, at most 2048 characters percent-encoded',
).meta({ type: 'string', format: 'uri', maxLength: 2048 });

export const startLinkBody = z
  .object({
    server_id: filled(64),
    user_id: filled(128).describe('Your own name for the end user who will approve.'),
    redirect_uri: redirectUri.describe(
      'Where the browser goes in the end, with `status` and `connection_id` or `error`.',
    ),
    scopes: optional(z.array(scope).max(50, 'must name at most 50 scopes'), null).describe(
      "The catalog's scopes when absent.",
    ),
    shop: optional(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,59}(\.myshopify\.com)?$/, 'must be the name of a shop'),
      null,
    ).describe('Shopify only: the shop, as `name` or `name.myshopify.com`.'),
  })
  .meta({ id: 'StartConnectLink' });
export type StartLinkBody = z.output<typeof startLinkBody>;

export const startedLink = z
  .object({
    link_token: z.string().describe('The one-time state of this link.'),
    authorize_url: z.string().meta({ format: 'uri' }).describe('Open it in the browser of the end user.'),
    expires_at: time,
  })
  .meta({ id: 'StartedConnectLink' });
export type StartedLinkReply = z.output<typeof startedLink>;
