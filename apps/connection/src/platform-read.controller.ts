import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { DomainError } from '#contracts/errors.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { ConnectionViews } from './connection-views.js';
import { Connections } from './connections.service.js';
import { PlatformQueries } from './platform-queries.js';

/** The platform's reads of connections of every kind. */
@Controller()
export class PlatformReadController {
  constructor(
    private readonly queries: PlatformQueries,
    private readonly views: ConnectionViews,
    private readonly connections: Connections,
  ) {}

  @MessagePattern('connection.platform.get')
  async get(
    @Payload() { context, id, after, as_of }: Ask<'connection.platform.get'>,
  ): Promise<Reply<'connection.platform.get'>> {
    if (as_of) return this.connections.past(context.tenant, id, as_of);
    await this.views.reached(after);
    const connection = await this.queries.connection(context.tenant, id);
    if (!connection) throw new DomainError('NOT_FOUND', 'Connection not found');
    return connection;
  }

  @MessagePattern('connection.platform.list')
  async list(@Payload() ask: Ask<'connection.platform.list'>): Promise<Reply<'connection.platform.list'>> {
    await this.views.reached(ask.after);
    return this.queries.connections(ask.context.tenant, ask);
  }
}
