import { z } from 'zod';
import { type PlatformScope, platformScopes, type UsedKey } from '../key.js';
import { choice, cursor, limit, name, oneOf, optional, text, time, uuid, word } from './fields.js';

export const createPlatformKeyBody = z
  .object({
    name: name(80),
    env: optional(oneOf(['live', 'test'], '"live" or "test"'), null).describe(
      "The caller's own environment when absent.",
    ),
    project_id: optional(text(100), '').describe(
      "A project of the caller's organization; else the one that `x-codespar-project` names; else the caller's own.",
    ),
    scopes: optional(
      z.array(z.enum(platformScopes, { error: `must be one of ${platformScopes.join(', ')}` })),
      null,
    ).describe('The reads when absent; never beyond those of the caller.'),
  })
  .meta({ id: 'CreatePlatformKey' });
export type CreatePlatformKeyBody = z.output<typeof createPlatformKeyBody>;

const keyFields = {
  id: uuid,
  name: z.string(),
  prefix: z.string(),
  project_id: z.string(),
  environment: z.enum(['live', 'test']),
  scopes: z.array(z.enum(platformScopes)),
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
  last_used_at: time.nullable(),
};

export const platformKey = z.object(keyFields).meta({ id: 'PlatformKey' });
export type PlatformKey = z.output<typeof platformKey>;

export const createdPlatformKey = z
  .object({ ...keyFields, full_key: z.string().describe('The key itself. Shown once, here; never again.') })
  .meta({ id: 'CreatedPlatformKey' });

export const platformKeys = z
  .object({ keys: z.array(platformKey), next_cursor: z.string().nullable() })
  .meta({ id: 'PlatformKeyPage' });

/** Whose keys are meant, by the rules of creation. */
const place = {
  project_id: word(100).describe("Else the project that `x-codespar-project` names; else the caller's own."),
  env: choice(['live', 'test']).describe('All that the caller has rights over when absent: both for a live key.'),
};
export const platformKeysQuery = z.object({ ...place, limit: limit(100), cursor });
export const platformKeyQuery = z.object(place);
export type PlatformKeyQuery = z.output<typeof platformKeyQuery>;
export type PlatformKeysQuery = z.output<typeof platformKeysQuery>;

/** A platform key has no other scopes. */
export const toPlatformKey = (view: UsedKey): PlatformKey => ({
  id: view.id,
  name: view.name,
  prefix: view.key_prefix,
  project_id: view.project_id,
  environment: view.environment,
  scopes: view.scopes as PlatformScope[],
  created_at: view.created_at,
  expires_at: view.expires_at,
  revoked_at: view.revoked_at,
  last_used_at: view.last_used_at,
});

const named = z.object({ id: z.string(), name: z.string() });

export const whoami = z
  .object({
    organization: named,
    project: named,
    key: z.object({ id: uuid, environment: z.enum(['live', 'test']), scopes: z.array(z.enum(platformScopes)) }),
  })
  .meta({ id: 'WhoAmI' });

export const accepted = z.object({ accepted: z.literal(true) }).meta({ id: 'DeliveryAccepted' });
export const duplicate = z.object({ duplicate: z.literal(true) }).meta({ id: 'DeliveryDuplicate' });
