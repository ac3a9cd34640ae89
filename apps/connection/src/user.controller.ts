import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Context, Position, Tenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { UserView } from '#contracts/user.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';
import { ConnectionQueries } from './connection-queries.js';
import { ConnectionViews } from './connection-views.js';
import { Connections } from './connections.service.js';
import { Users } from './users.service.js';

/** Household users: the people whose banks are connected. */
@Controller()
export class UserController {
  constructor(
    private readonly users: Users,
    private readonly queries: ConnectionQueries,
    private readonly views: ConnectionViews,
    private readonly connections: Connections,
    @Inject(Bus) private readonly bus: Bus,
  ) {}

  @MessagePattern('connection.user.create')
  create(@Payload() { context, user }: Ask<'connection.user.create'>): Promise<Reply<'connection.user.create'>> {
    return this.users.create(context, user);
  }

  @MessagePattern('connection.user.update')
  update(@Payload() ask: Ask<'connection.user.update'>): Promise<Reply<'connection.user.update'>> {
    const { context, id, name, email } = ask;
    return this.users.update(context, id, {
      ...(name !== undefined && { name }),
      ...(email !== undefined && { email }),
    });
  }

  @MessagePattern('connection.user.delete')
  async delete(@Payload() { context, id }: Ask<'connection.user.delete'>): Promise<Reply<'connection.user.delete'>> {
    await this.users.read(context.tenant, id);
    const deleted = await this.users.alone(id, () => this.deleteAlone(context, id));
    // It has happened, whoever has heard of it: the user's own stream says it, too.
    await this.bus.broadcast('link-session.user-deleted', { user_id: id }).catch(() => undefined);
    return deleted;
  }

  @MessagePattern('connection.user.get')
  async get(@Payload() { context, id, after, as_of }: Ask<'connection.user.get'>): Promise<UserView> {
    if (as_of) return this.users.past(context.tenant, id, as_of);
    await this.views.reached(after);
    const user = await this.queries.user(context.tenant, id);
    if (!user) throw new DomainError('NOT_FOUND', 'User not found');
    return user;
  }

  @MessagePattern('connection.user.list')
  async list(@Payload() ask: Ask<'connection.user.list'>): Promise<Reply<'connection.user.list'>> {
    await this.views.reached(ask.after);
    return this.queries.users(ask.context.tenant, ask);
  }

  @MessagePattern('connection.user.exists')
  async exists(@Payload() { context, id }: Ask<'connection.user.exists'>): Promise<boolean> {
    try {
      await this.users.read(context.tenant, id);
      return true;
    } catch (error) {
      if (error instanceof DomainError && error.code === 'NOT_FOUND') return false;
      throw error;
    }
  }

  private async deleteAlone(context: Context, id: string): Promise<{ position: Position }> {
    if (await this.hasLiveConnections(context.tenant, id)) throw new DomainError('USER_HAS_DEPENDENTS');
    return { position: await this.users.delete(context, id) };
  }

  /** The view may still show a bank that the same caller has just disconnected, so its own stream has the last word. */
  private async hasLiveConnections(tenant: Tenant, userId: string): Promise<boolean> {
    for (const id of await this.queries.liveOfUser(tenant, userId)) {
      const connection = id === null ? null : await this.connections.find(id);
      if (id === null || (connection && connection.state !== 'revoked')) return true;
    }
    return false;
  }
}
