import { Controller, Param } from '@nestjs/common';
import {
  platformConnection,
  platformConnections,
  type PlatformConnectionsQuery,
  platformConnectionsQuery,
  toPlatformConnection,
  whoami,
} from '#contracts/api/platform.js';
import type { Context } from '#contracts/envelope.js';
import { parseId, parsePlatformConnectionId } from '#contracts/ids.js';
import type { VerifiedKey } from '#contracts/key.js';
import { scopesOf } from './access.js';
import { Endpoint } from './endpoint.js';
import { notFound } from './ids.js';
import { Services } from './last-write.js';
import { Caller, CallerKey, RequestQuery } from './params.js';

/** There is one organization with one project until projects can be made. */
const organization = { id: 'org_default', name: 'default' };

/** The platform's look at who asks and at connections. */
@Controller()
export class PlatformController {
  constructor(private readonly services: Services) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/whoami',
    access: 'any',
    summary: 'Say whose key this is and what it may do',
    reply: { 200: whoami },
  })
  whoami(@CallerKey() key: VerifiedKey) {
    const { id, environment, project_id } = key;
    return {
      organization,
      project: { id: project_id, name: 'default' },
      key: { id, environment, scopes: scopesOf(key) },
    };
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/connections',
    access: 'connections:read',
    summary: 'List connections, newest first',
    description:
      'A page may hold fewer than `limit` connections; only `next_cursor: null` means that there are no more.',
    query: platformConnectionsQuery,
    reply: { 200: platformConnections },
    errors: ['INVALID_CURSOR'],
  })
  async list(
    @Caller() context: Context,
    @RequestQuery() { server_id, status, user_id, ...query }: PlatformConnectionsQuery,
  ) {
    if (user_id !== undefined && !isUuid(user_id)) return { connections: [], next_cursor: null };
    const { items, next_cursor } = await this.services.read('connection.list', { context, ...query, user_id });
    const connections = items
      .map(toPlatformConnection)
      .filter(
        (shown) => (server_id ?? shown.server_id) === shown.server_id && (status ?? shown.status) === shown.status,
      );
    return { connections, next_cursor };
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/connections/:id',
    access: 'connections:read',
    summary: 'Look at a connection',
    reply: { 200: platformConnection },
    errors: ['NOT_FOUND'],
  })
  async get(@Caller() context: Context, @Param('id') text: string) {
    const id = parsePlatformConnectionId(text);
    if (id === null) throw notFound('connection');
    return toPlatformConnection(await this.services.read('connection.get', { context, id }));
  }
}

/** A hosted connection's user_id is the UUID itself; its short_id is no name for it here. */
const isUuid = (text: string): boolean => text.length === 36 && parseId('user', text) === text;
