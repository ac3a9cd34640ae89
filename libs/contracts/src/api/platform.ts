import { z } from 'zod';
import type { ConnectionState, OwnedConnection } from '../connection.js';
import { platformConnectionId } from '../ids.js';
import { platformScopes, type UsedKey } from '../key.js';
import { choice, cursor, limit, name, oneOf, optional, time, uuid, word } from './fields.js';

const statuses = ['pending', 'connected', 'revoked', 'expired'] as const;
export type PlatformStatus = (typeof statuses)[number];

/** A provider's error does not make a connection less connected; it stands in the metadata. */
const statusOf: Record<ConnectionState, PlatformStatus> = {
  connected: 'connected',
  error: 'connected',
  needs_reauth: 'expired',
  revoked: 'revoked',
};

const anything = z.record(z.string(), z.unknown());

export const platformConnection = z
  .object({
    id: z.string().regex(/^conn_[0-9A-Za-z]{22}$/),
    user_id: z.string().nullable().describe('null: for the whole project.'),
    server_id: z.string(),
    auth_type: z.string(),
    status: z.enum(statuses),
    display_name: z.string().nullable(),
    metadata: anything.describe('Written by OAuth and provider flows.'),
    connection_metadata: anything.describe("The operator's own configuration."),
    cert_metadata: anything,
    created_at: time,
    connected_at: time.nullable(),
    revoked_at: time.nullable(),
    expires_at: time.nullable(),
  })
  .meta({ id: 'PlatformConnection' });
export type PlatformConnection = z.output<typeof platformConnection>;

export const platformConnectionsQuery = z.object({
  limit: limit(100),
  user_id: word(128),
  server_id: word(64),
  status: choice(statuses),
  cursor,
});
export type PlatformConnectionsQuery = z.output<typeof platformConnectionsQuery>;

export const platformConnections = z
  .object({ connections: z.array(platformConnection), next_cursor: z.string().nullable() })
  .meta({ id: 'PlatformConnectionPage' });

/** A bank that was linked through the hosted page, in the platform's words. */
export const toPlatformConnection = (view: OwnedConnection): PlatformConnection => ({
  id: platformConnectionId(view.id),
  user_id: view.user_id,
  server_id: view.provider,
  auth_type: 'hosted_link',
  status: statusOf[view.state],
  display_name: view.institution_name,
  metadata: metadataOf(view),
  connection_metadata: {},
  cert_metadata: {},
  created_at: view.created_at,
  connected_at: view.created_at,
  revoked_at: view.revoked_at,
  expires_at: null,
});

const metadataOf = ({ institution_id, institution_name, error_code, error_message }: OwnedConnection) => ({
  institution_id,
  institution_name,
  ...(error_code !== null && { error_code, error_message }),
});

export const createPlatformKeyBody = z
  .object({
    name: name(80),
    env: optional(oneOf(['live', 'test'], '"live" or "test"'), null).describe(
      "The caller's own environment when absent.",
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
  environment: z.enum(['live', 'test']),
  scopes: z.array(z.string()),
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
export const platformKeysQuery = z.object({ limit: limit(100), cursor });
export type PlatformKeysQuery = z.output<typeof platformKeysQuery>;

export const toPlatformKey = (view: UsedKey): PlatformKey => ({
  id: view.id,
  name: view.name,
  prefix: view.key_prefix,
  environment: view.environment,
  scopes: view.scopes,
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
    key: z.object({ id: uuid, environment: z.enum(['live', 'test']), scopes: z.array(z.string()) }),
  })
  .meta({ id: 'WhoAmI' });

export const accepted = z.object({ accepted: z.literal(true) }).meta({ id: 'DeliveryAccepted' });
export const duplicate = z.object({ duplicate: z.literal(true) }).meta({ id: 'DeliveryDuplicate' });
