import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { DomainError } from '#contracts/errors.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { SessionQueries } from './session-queries.js';
import { SessionViews } from './session-views.js';
import { WatchSession } from './session-changes.js';
import { Sessions } from './sessions.service.js';

/** What agents ask of sessions they have minted. */
@Controller()
export class SessionController {
  constructor(
    private readonly sessions: Sessions,
    private readonly queries: SessionQueries,
    private readonly views: SessionViews,
    private readonly watch: WatchSession,
  ) {}

  @MessagePattern('link-session.get')
  async get(@Payload() { context, id, after, as_of }: Ask<'link-session.get'>): Promise<Reply<'link-session.get'>> {
    if (as_of) return this.sessions.past(context.tenant, id, as_of);
    await this.views.sessions.reached(after);
    const session = await this.queries.find(context.tenant, id);
    if (!session) throw new DomainError('NOT_FOUND', 'Link session not found');
    return session;
  }

  @MessagePattern('link-session.list')
  async list(@Payload() ask: Ask<'link-session.list'>): Promise<Reply<'link-session.list'>> {
    await this.views.sessions.reached(ask.after);
    return this.queries.list(ask);
  }

  @MessagePattern('link-session.changes')
  changes(@Payload() { context, ...watch }: Ask<'link-session.changes'>): Promise<Reply<'link-session.changes'>> {
    return this.watch.changes({ tenant: context.tenant, ...watch });
  }

  @MessagePattern('link-session.cancel')
  async cancel(@Payload() { context, id }: Ask<'link-session.cancel'>): Promise<Reply<'link-session.cancel'>> {
    await this.sessions.ownedBy(context.tenant, id);
    const now = new Date().toISOString();
    const error_message = 'The link was cancelled.';
    return this.sessions.command(id, { type: 'FailSession', error_code: 'CANCELLED', error_message, now }, context);
  }
}
