import { Controller, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type AsOfQuery, asOfQuery } from '#contracts/api/fields.js';
import {
  type CreateConnectionBody,
  createConnectionBody,
  type MetadataBody,
  metadataBody,
  platformConnection,
  platformConnections,
  type PlatformConnectionsQuery,
  platformConnectionsQuery,
  revokedConnection,
  toPlatformConnection,
  type WebhookSecretBody,
  webhookSecretBody,
  webhookSecretSet,
} from '#contracts/api/platform-connections.js';
import type { Context } from '#contracts/envelope.js';
import { newShortId, parsePlatformConnectionId, platformConnectionId } from '#contracts/ids.js';
import type { Random } from '#contracts/secrets.js';
import { Endpoint } from './endpoint.js';
import { notFound } from './ids.js';
import { Services } from './services.js';
import { TokenSealer } from './pages/token-sealer.js';
import { Caller, Randomness, RequestBody, RequestQuery } from './params.js';
import { untilBankAnswers } from './request-context.js';

/** All the metadata that a connection may have, with every character escaped, beside the secret. */
const BODY_LIMIT = 256 * 1024;

/** Connections of the platform. A secret is sealed to the vault here, before it goes anywhere, and is never read back. */
@Controller()
export class PlatformConnectionController {
  constructor(
    private readonly services: Services,
    private readonly sealer: TokenSealer,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/connections',
    access: 'connections:write',
    summary: 'Create a connection, or replace the credential of the live one',
    description:
      '201: created. 200: the live connection of this project, server and user keeps its id, and its credential is replaced; ' +
      'of `display_name` and `connection_metadata`, what is absent or null stays, and what is sent replaces all that was ' +
      'there, where PATCH merges.',
    body: createConnectionBody,
    bodyLimit: BODY_LIMIT,
    reply: { 201: platformConnection, 200: platformConnection },
    errors: ['KEYS_MISMATCH', 'INVALID_SECRET_SHAPE', 'NOT_API_KEY_SERVER', 'SERVER_UNKNOWN', 'VAULT_UNAVAILABLE'],
  })
  async create(
    @Caller() context: Context,
    @Randomness() random: Random,
    @Res({ passthrough: true }) reply: FastifyReply,
    @RequestBody() { server_id, user_id, secret, display_name, connection_metadata }: CreateConnectionBody,
  ) {
    const sealed = await this.sealer.seal(JSON.stringify(secret));
    const terms = {
      ...(display_name !== undefined && { display_name }),
      ...(connection_metadata !== undefined && { connection_metadata }),
    };
    const wish = { short_id: newShortId(random), server_id, user_id, sealed, ...terms };
    const { view, created } = await this.services.write('connection.platform.store', { context, wish });
    reply.status(created ? 201 : 200);
    return toPlatformConnection(view);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/connections',
    access: 'connections:read',
    summary: 'List connections, newest first, ended ones included',
    query: platformConnectionsQuery,
    reply: { 200: platformConnections },
    errors: ['INVALID_CURSOR'],
  })
  async list(@Caller() context: Context, @RequestQuery() query: PlatformConnectionsQuery) {
    const { items, next_cursor } = await this.services.read('connection.platform.list', { context, ...query });
    return { connections: items.map(toPlatformConnection), next_cursor };
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/connections/:id',
    access: 'connections:read',
    summary: 'Look at a connection',
    query: asOfQuery,
    reply: { 200: platformConnection },
    errors: ['NOT_FOUND'],
  })
  async get(@Caller() context: Context, @Param('id') text: string, @RequestQuery() query: AsOfQuery) {
    const id = uuidOf(text);
    return toPlatformConnection(await this.services.read('connection.platform.get', { context, id, ...query }));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/connections/:id/revoke',
    access: 'connections:write',
    summary: 'End a connection and destroy its credential',
    description: 'Once this is answered, the credential opens for nobody. The connection itself stays for the record.',
    reply: { 200: revokedConnection },
    errors: ['NOT_FOUND', 'PROVIDER_ERROR', 'VAULT_UNAVAILABLE', 'REVOKE_FAILED'],
  })
  async revoke(@Caller() context: Context, @Param('id') id: string) {
    const ask = { context: untilBankAnswers(context), id: uuidOf(id) };
    const { view, already } = await this.services.write('connection.platform.revoke', ask);
    return { id: platformConnectionId(view.id), status: 'revoked', ...(already && { already }) };
  }

  @Endpoint({
    method: 'PATCH',
    path: '/v1/connections/:id/metadata',
    access: 'connections:write',
    summary: "Change a connection's metadata key by key",
    body: metadataBody,
    bodyLimit: BODY_LIMIT,
    reply: { 200: platformConnection },
    errors: ['NOT_FOUND', 'CONNECTION_DISCONNECTED'],
  })
  async metadata(
    @Caller() context: Context,
    @Param('id') id: string,
    @RequestBody() { connection_metadata: changes }: MetadataBody,
  ) {
    const ask = { context, id: uuidOf(id), changes };
    const { view } = await this.services.write('connection.platform.metadata', ask);
    return toPlatformConnection(view);
  }

  @Endpoint({
    method: 'PUT',
    path: '/v1/connections/:id/webhook-secret',
    access: 'connections:write',
    summary: 'Set the secret with which the provider signs what it delivers',
    body: webhookSecretBody,
    reply: { 200: webhookSecretSet },
    errors: ['NOT_FOUND', 'CONNECTION_DISCONNECTED', 'VAULT_UNAVAILABLE'],
  })
  async webhookSecret(
    @Caller() context: Context,
    @Param('id') id: string,
    @RequestBody() { secret, grace_seconds }: WebhookSecretBody,
  ) {
    const ask = { context, id: uuidOf(id), sealed: await this.sealer.seal(secret), grace_seconds };
    const { view } = await this.services.write('connection.platform.webhook-secret', ask);
    return { connection_id: platformConnectionId(view.id), server_id: view.server_id, updated: true };
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/connections/:id',
    access: 'connections:write',
    summary: 'End a connection and forget it',
    description: 'Revoking keeps the record; this does not, except for the timeline.',
    reply: { 204: null },
    errors: ['NOT_FOUND', 'PROVIDER_ERROR', 'VAULT_UNAVAILABLE', 'REVOKE_FAILED'],
  })
  async delete(@Caller() context: Context, @Param('id') id: string): Promise<void> {
    await this.services.write('connection.platform.delete', { context: untilBankAnswers(context), id: uuidOf(id) });
  }
}

/** A connection is known by its `conn_` id only. */
function uuidOf(text: string): string {
  const id = parsePlatformConnectionId(text);
  if (id === null) throw notFound('connection');
  return id;
}
