import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Ask, Reply } from '#contracts/subjects.js';
import { AgentSessions } from './agent-sessions.service.js';
import { ConnectionViews } from './connection-views.js';

/** What the platform asks about agents' sessions. */
@Controller()
export class AgentSessionController {
  constructor(
    private readonly sessions: AgentSessions,
    private readonly views: ConnectionViews,
  ) {}

  @MessagePattern('connection.session.open')
  open(@Payload() { context, ...wish }: Ask<'connection.session.open'>): Promise<Reply<'connection.session.open'>> {
    return this.sessions.open(context, wish);
  }

  @MessagePattern('connection.session.close')
  close(@Payload() { context, id }: Ask<'connection.session.close'>): Promise<Reply<'connection.session.close'>> {
    return this.sessions.close(context, id);
  }

  @MessagePattern('connection.session.get')
  get(@Payload() { context, id, as_of }: Ask<'connection.session.get'>): Promise<Reply<'connection.session.get'>> {
    if (as_of) return this.sessions.past(context.tenant, id, as_of);
    return this.sessions.read(context.tenant, id);
  }

  @MessagePattern('connection.session.list')
  async list(@Payload() ask: Ask<'connection.session.list'>): Promise<Reply<'connection.session.list'>> {
    await this.views.reached(ask.after);
    return this.sessions.list(ask.context.tenant, ask);
  }

  @MessagePattern('connection.session.reach')
  async reach(@Payload() ask: Ask<'connection.session.reach'>): Promise<Reply<'connection.session.reach'>> {
    await this.views.reached(ask.after);
    return this.sessions.reach(ask.context.tenant, ask.id);
  }
}
