import { z } from 'zod';
import type { ConnectionState, ConnectionView } from '../connection.js';
import { metadataFault } from '../connection-metadata.js';
import { platformConnectionId } from '../ids.js';
import { choice, cursor, filled, integer, limit, optional, text, time, word } from './fields.js';
import { authTypes } from './servers.js';

const statuses = ['pending', 'connected', 'revoked', 'expired'] as const;
export type PlatformStatus = (typeof statuses)[number];

/** A provider's error does not make a connection less connected; it stands in the metadata. */
const statusOf: Record<ConnectionState, PlatformStatus> = {
  connected: 'connected',
  error: 'connected',
  needs_reauth: 'expired',
  revoked: 'revoked',
};

/** All that there are, when no status is asked for. */
export const statesOf = (status: PlatformStatus | undefined): ConnectionState[] =>
  (Object.keys(statusOf) as ConnectionState[]).filter((state) => status === undefined || statusOf[state] === status);

const anything = z.record(z.string(), z.unknown());
const id = z.string().regex(/^conn_[0-9A-Za-z]{22}$/);

export const platformConnection = z
  .object({
    id,
    user_id: z.string().nullable().describe('null: for the whole project.'),
    server_id: z.string(),
    auth_type: z.enum(authTypes),
    status: z.enum(statuses),
    display_name: z.string().nullable(),
    metadata: anything.describe('Written by OAuth and provider flows.'),
    connection_metadata: anything.describe("The operator's own configuration."),
    cert_metadata: anything.describe('What the certificate says of itself, where the credential holds one.'),
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

/** Within the caps; a fault is worded by the rule itself. */
const metadata = anything.superRefine((value, context) => {
  const message = metadataFault(value);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

const secret = z.union([filled(4096), z.record(z.string(), filled(4096))], {
  error: 'must be a string, or an object of strings, of 1 to 4096 characters each',
});

export const createConnectionBody = z
  .object({
    server_id: filled(64),
    secret,
    display_name: optional(text(128), undefined),
    user_id: optional(filled(128), null).describe('Your own name for an end user; for the whole project when absent.'),
    connection_metadata: optional(metadata, undefined).describe('At most 64 keys and 32,768 bytes of JSON.'),
  })
  .meta({ id: 'CreatePlatformConnection' });
export type CreateConnectionBody = z.output<typeof createConnectionBody>;

export const metadataBody = z
  .object({
    connection_metadata: anything.describe(
      'Merged key by key; null removes a key. What comes of it has at most 64 keys and 32,768 bytes of JSON.',
    ),
  })
  .meta({ id: 'ConnectionMetadata' });
export type MetadataBody = z.output<typeof metadataBody>;

export const webhookSecretBody = z
  .object({
    secret: filled(1024),
    grace_seconds: optional(integer(0, 604_800), 0).describe(
      'How long the secret before is still accepted. The same secret once more, with a grace, changes nothing.',
    ),
  })
  .meta({ id: 'SetWebhookSecret' });
export type WebhookSecretBody = z.output<typeof webhookSecretBody>;

export const webhookSecretSet = z
  .object({ connection_id: id, server_id: z.string(), updated: z.literal(true) })
  .meta({ id: 'WebhookSecretSet' });

export const revokedConnection = z
  .object({ id, status: z.literal('revoked'), already: z.literal(true).optional() })
  .meta({ id: 'RevokedConnection' });

export const toPlatformConnection = (view: ConnectionView): PlatformConnection => ({
  id: platformConnectionId(view.id),
  user_id: view.user_id,
  server_id: view.server_id,
  auth_type: view.auth_type,
  status: statusOf[view.state],
  display_name: view.display_name,
  metadata: providerMetadata(view),
  connection_metadata: view.connection_metadata,
  cert_metadata: view.cert_metadata,
  created_at: view.created_at,
  connected_at: view.connected_at,
  revoked_at: view.revoked_at,
  expires_at: view.expires_at,
});

const providerMetadata = ({ metadata: own, ...view }: ConnectionView) => ({
  ...own,
  ...(view.provider !== null && { institution_id: view.institution_id, institution_name: view.institution_name }),
  ...(view.error_code !== null && { error_code: view.error_code, error_message: view.error_message }),
});
