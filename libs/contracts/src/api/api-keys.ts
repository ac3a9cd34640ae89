import { z } from 'zod';
import { parseRange } from '../ip-range.js';
import type { HouseholdScope, UsedKey } from '../key.js';
import { cursor, integer, limit, name, oneOf, optional, page, read, shortId, time, uuid } from './fields.js';

const MOST_RANGES = 50;
const MOST_GRACE_SECONDS = 7 * 24 * 60 * 60;

const range = read(parseRange, 'must be a CIDR of IPv4 or IPv6, or a single address').meta({
  examples: ['10.0.0.0/8'],
});

/** Empty means none. */
const actorName = z
  .string()
  .transform((text) => text.trim() || null)
  .pipe(name(80).nullable())
  .meta({ maxLength: 80 });

export const createKeyBody = z
  .object({
    name: name(80),
    scope: optional(oneOf(['read_only', 'full_access'], '"read_only" or "full_access"'), 'read_only'),
    expires_in_days: optional(integer(1, 3650), null),
    allowed_ips: optional(
      z.array(range).max(MOST_RANGES, `must be at most ${MOST_RANGES} ranges`),
      [] as string[],
    ).describe('CIDRs of IPv4 or IPv6 from which the key may be used; empty or absent is from anywhere.'),
    actor_name: optional(actorName, null).describe("Stands on the timeline instead of the key's name."),
  })
  .meta({ id: 'CreateApiKey' });
export type CreateKeyBody = z.output<typeof createKeyBody>;

export const renameKeyBody = z.object({ name: name(80) }).meta({ id: 'RenameApiKey' });
export type RenameKeyBody = z.output<typeof renameKeyBody>;

export const rotateKeyBody = z
  .object({
    grace_seconds: optional(integer(0, MOST_GRACE_SECONDS), 0).describe(
      'How long the old key goes on working beside the new one; never beyond its own expiry. 0 or absent: not at all.',
    ),
  })
  .meta({ id: 'RotateApiKey' });
export type RotateKeyBody = z.output<typeof rotateKeyBody>;

export const apiKey = z
  .object({
    id: uuid,
    short_id: shortId,
    name: z.string(),
    key_prefix: z.string().describe('The first characters of the key; all that is kept of it besides its hash.'),
    scope: z.enum(['read_only', 'full_access']),
    actor_name: z.string().nullable(),
    allowed_ips: z.array(z.string()),
    expires_at: time.nullable().describe('After a rotation: when the grace of the old key ends.'),
    last_used_at: time.nullable().describe('At most a minute old.'),
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

/** A household key has exactly one scope. */
export const toApiKey = (key: UsedKey): ApiKey => ({
  id: key.id,
  short_id: key.short_id,
  name: key.name,
  key_prefix: key.key_prefix,
  scope: key.scopes[0] as HouseholdScope,
  actor_name: key.actor_name,
  allowed_ips: key.allowed_ips,
  expires_at: key.retires_at ?? key.expires_at,
  last_used_at: key.last_used_at,
  revoked_at: key.revoked_at,
  created_at: key.created_at,
  created_by: key.created_by,
});
