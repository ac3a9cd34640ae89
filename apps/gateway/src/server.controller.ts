import { Controller, Param } from '@nestjs/common';
import {
  authSchema,
  matching,
  server,
  type Server,
  servers,
  type ServersQuery,
  serversQuery,
  toAuthSchema,
} from '#contracts/api/servers.js';
import { DomainError } from '#contracts/errors.js';
import { Bus } from '#service/bus.js';
import { Endpoint, type EndpointSpec } from './endpoint.js';
import { RequestQuery } from './params.js';

const read = { method: 'GET', access: 'servers:read' } satisfies Partial<EndpointSpec>;
const list = {
  ...read,
  summary: 'List the servers that connections can be made to',
  query: serversQuery,
  reply: { 200: servers },
};
const older = (name: string) => ({ summary: `Older name of ${name}` });
const one = { ...read, summary: 'Look at a server', reply: { 200: server }, errors: ['SERVER_UNKNOWN' as const] };
const auth = {
  ...read,
  summary: 'Say what a connection to a server needs',
  reply: { 200: authSchema },
  errors: ['SERVER_UNKNOWN' as const],
};

/** The catalog. `/v1/providers` is its older name. */
@Controller()
export class ServerController {
  constructor(private readonly bus: Bus) {}

  @Endpoint({ ...list, path: '/v1/servers' })
  async list(@RequestQuery() query: ServersQuery) {
    const all = await this.bus.ask('connection.servers', {});
    const found = matching(all, query);
    return { total: all.length, filtered: found.length, servers: found, data: found };
  }

  @Endpoint({ ...list, ...older('/v1/servers'), path: '/v1/providers' })
  listAsProviders(@RequestQuery() query: ServersQuery) {
    return this.list(query);
  }

  @Endpoint({ ...one, path: '/v1/servers/:id' })
  async get(@Param('id') id: string): Promise<Server> {
    const all = await this.bus.ask('connection.servers', {});
    const found = all.find((entry) => entry.id === id);
    if (!found) throw new DomainError('SERVER_UNKNOWN');
    return found;
  }

  @Endpoint({ ...one, ...older('/v1/servers/{id}'), path: '/v1/providers/:id' })
  getAsProvider(@Param('id') id: string): Promise<Server> {
    return this.get(id);
  }

  @Endpoint({ ...auth, path: '/v1/servers/:id/auth-schema' })
  async authSchema(@Param('id') id: string) {
    return toAuthSchema(await this.get(id));
  }

  @Endpoint({ ...auth, ...older('/v1/servers/{id}/auth-schema'), path: '/v1/providers/:id/auth-schema' })
  authSchemaAsProvider(@Param('id') id: string) {
    return this.authSchema(id);
  }
}
