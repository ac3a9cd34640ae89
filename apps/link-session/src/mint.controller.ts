import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { DomainError } from '#contracts/errors.js';
import type { SessionTerms } from '#contracts/link-session.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';
import { KnownUsers } from './known-users.js';
import { Sessions } from './sessions.service.js';

/** How sessions come to be: for a user, or for a connection that needs a new sign-in. */
@Controller()
export class MintController {
  constructor(
    private readonly sessions: Sessions,
    private readonly users: KnownUsers,
    @Inject(Bus) private readonly bus: Bus,
  ) {}

  @MessagePattern('link-session.mint')
  async mint(
    @Payload() { context, terms, ttl_seconds }: Ask<'link-session.mint'>,
  ): Promise<Reply<'link-session.mint'>> {
    if (!(await this.users.exists(context, terms.user_id))) throw new DomainError('NOT_FOUND', 'User not found');
    const now = new Date().toISOString();
    return this.sessions.command(terms.id, { type: 'MintSession', terms, ttl_seconds, now }, context);
  }

  /** User, provider and the rest come from the connection; the caller has no say. */
  @MessagePattern('link-session.relink')
  async relink(@Payload() ask: Ask<'link-session.relink'>): Promise<Reply<'link-session.relink'>> {
    const { context, connection_id, ttl_seconds } = ask;
    const connection = await this.bus.ask('connection.read', { context, id: connection_id });
    if (connection.state === 'revoked') throw new DomainError('CONNECTION_DISCONNECTED');
    const terms: SessionTerms = {
      ...ask.terms,
      ...context.tenant,
      user_id: connection.user_id,
      provider: connection.provider,
      action: 'relink',
      connection_id: connection.id,
      single_use: true,
    };
    const now = new Date().toISOString();
    return this.sessions.command(terms.id, { type: 'MintSession', terms, ttl_seconds, now }, context);
  }
}
