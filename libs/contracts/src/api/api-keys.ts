import { z } from 'zod';
import type { HouseholdScope, KeyView } from '../key.js';
import { cursor, integer, limit, name, oneOf, optional, page, shortId, time, uuid } from './fields.js';

/** `allowed_ips` is refused rather than ignored: a restriction that is not enforced would be a lie. */
export const createKeyBody = z
  .object({
    name: name(80),
    scope: optional(oneOf(['read_only', 'full_access'], '"read_only" or "full_access"'), 'read_only'),
    expires_in_days: optional(integer(1, 3650), null),
    allowed_ips: optional(z.array(z.string()), []).refine((list) => list.length === 0, 'cannot be set yet'),
    actor_name: optional(name(80), null).describe("Stands on the timeline instead of the key's name."),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateKeyBody = z.output<typeof createKeyBody>;

export const apiKey = z
  .object({
    id: uuid,
    short_id: shortId,
    name: z.string(),
    key_prefix: z.string().describe('The first characters of the key; all that is kept of it besides its hash.'),
    scope: z.enum(['read_only', 'full_access']),
    actor_name: z.string().nullable(),
    allowed_ips: z.array(z.string()),
    expires_at: time.nullable(),
    last_used_at: time.nullable(),
    revoked_at: time.nullable(),
    created_at: time,
    created_by: z.string(),
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.output<typeof apiKey>;

export const createdApiKey = z
  .object({ ...apiKey.shape, plaintext_key: z.string().describe('The key itself. Shown once, here; never again.') })
  .meta({ id: 'CreatedApiKey' });

export const apiKeysQuery = z.object({ limit: limit(200), cursor });
export type ApiKeysQuery = z.output<typeof apiKeysQuery>;
export const apiKeysPage = page('api_keys', apiKey).meta({ id: 'ApiKeyPage' });

/** A household key has exactly one scope. Addresses and last use are not tracked yet, so nothing is claimed of them. */
export const toApiKey = (view: KeyView): ApiKey => ({
  id: view.id,
  short_id: view.short_id,
  name: view.name,
  key_prefix: view.key_prefix,
  scope: view.scopes[0] as HouseholdScope,
  actor_name: view.actor_name,
  allowed_ips: [],
  expires_at: view.expires_at,
  last_used_at: null,
  revoked_at: view.revoked_at,
  created_at: view.created_at,
  created_by: view.created_by,
});
