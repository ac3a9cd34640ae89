import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type BankConnection, isBank, type OwnedConnection } from '#contracts/connection.js';
import type { AsOf, Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { ConnectionQueries } from './connection-queries.js';
import { ConnectionViews } from './connection-views.js';
import { Connections } from './connections.service.js';
import { RemoveConnection } from './remove-connection.js';
import { Users } from './users.service.js';

/** Reads of connections, and the way to end one. */
@Controller()
export class ConnectionController {
  constructor(
    private readonly connections: Connections,
    private readonly queries: ConnectionQueries,
    private readonly views: ConnectionViews,
    private readonly remove: RemoveConnection,
    private readonly users: Users,
  ) {}

  @MessagePattern('connection.get')
  async get(@Payload() { context, id, after, as_of }: Ask<'connection.get'>): Promise<OwnedConnection> {
    if (as_of) return this.past(context, id, as_of);
    await this.views.reached(after);
    const connection = await this.queries.connection(context.tenant, id);
    if (!connection) throw new DomainError('NOT_FOUND', 'Connection not found');
    return connection;
  }

  @MessagePattern('connection.read')
  async read(@Payload() { context, id }: Ask<'connection.read'>): Promise<OwnedConnection> {
    return this.owned(context, await this.connections.read(context.tenant, id));
  }

  @MessagePattern('connection.list')
  async list(@Payload() ask: Ask<'connection.list'>): Promise<Reply<'connection.list'>> {
    await this.views.reached(ask.after);
    return this.queries.connections(ask.context.tenant, ask);
  }

  @MessagePattern('connection.disconnect')
  async disconnect(@Payload() { context, id }: Ask<'connection.disconnect'>): Promise<Reply<'connection.disconnect'>> {
    const { view, position } = await this.remove.run(context, await this.connections.read(context.tenant, id));
    if (!isBank(view)) throw new Error('a bank has become something else');
    return { view: await this.owned(context, view), position };
  }

  /** Its owner's name is the one of that moment, too. */
  private async past({ tenant }: Context, id: string, moment: AsOf): Promise<OwnedConnection> {
    const view = await this.connections.past(tenant, id, moment);
    if (!isBank(view)) throw new DomainError('NOT_FOUND', 'Connection not found');
    const user = await this.users.findPast(view.user_id, moment);
    return { ...view, user_name: user?.name ?? null };
  }

  private async owned(context: Context, view: BankConnection): Promise<OwnedConnection> {
    const user = await this.queries.user(context.tenant, view.user_id);
    return { ...view, user_name: user?.name ?? null };
  }
}
