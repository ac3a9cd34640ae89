import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Context } from '#contracts/envelope.js';
import type { SessionCommand, SessionView } from '#contracts/link-session.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';
import { Sessions } from './sessions.service.js';

/** What the hosted page asks. Whoever knows the token's hash holds the link; the tenant is the session's own. */
@Controller()
export class PageController {
  constructor(
    private readonly sessions: Sessions,
    @Inject(Bus) private readonly bus: Bus,
  ) {}

  @MessagePattern('link-session.page')
  async page(@Payload() { context, token_hash }: Ask<'link-session.page'>): Promise<Reply<'link-session.page'>> {
    const session = await this.sessions.byToken(token_hash);
    const providers = await this.bus.ask('connection.providers', {});
    return { session, providers, institution_name: await this.institutionOf(session, context) };
  }

  @MessagePattern('link-session.activate')
  activate(@Payload() ask: Ask<'link-session.activate'>): Promise<SessionView> {
    return this.fromPage(ask, () => ({ type: 'ActivateSession', now: now() }));
  }

  @MessagePattern('link-session.finish')
  finish(@Payload() ask: Ask<'link-session.finish'>): Promise<SessionView> {
    return this.fromPage(ask, () => ({ type: 'FinishSession', now: now() }));
  }

  @MessagePattern('link-session.give-up')
  giveUp(@Payload() ask: Ask<'link-session.give-up'>): Promise<SessionView> {
    const error_message = 'The person did not want to connect a bank.';
    return this.fromPage(ask, () => ({ type: 'FailSession', error_code: 'GIVEN_UP', error_message, now: now() }));
  }

  @MessagePattern('link-session.refuse')
  refuse(@Payload() ask: Ask<'link-session.refuse'>): Promise<SessionView> {
    const { attempt_id, code, message } = ask;
    return this.fromPage(ask, () => ({ type: 'RefuseAttempt', attempt_id, code, message, by: 'page', now: now() }));
  }

  @MessagePattern('link-session.attempt.start')
  start(@Payload() ask: Ask<'link-session.attempt.start'>): Promise<SessionView> {
    const { attempt_id, provider } = ask;
    return this.fromPage(ask, (session) => {
      const connection_id = session.connection_id ?? ask.connection_id;
      return { type: 'StartAttempt', attempt_id, provider, connection_id, now: now() };
    });
  }

  private async fromPage(
    { context, token_hash }: { context: Context; token_hash: string },
    command: (session: SessionView) => SessionCommand,
  ): Promise<SessionView> {
    const session = await this.sessions.byToken(token_hash);
    const { view } = await this.sessions.command(session.id, command(session), inTenantOf(session, context));
    return view;
  }

  private async institutionOf(session: SessionView, context: Context): Promise<string | null> {
    if (!session.connection_id || session.action !== 'relink') return null;
    const ask = { context: inTenantOf(session, context), id: session.connection_id };
    return (await this.bus.ask('connection.read', ask)).institution_name;
  }
}

const now = (): string => new Date().toISOString();

function inTenantOf({ project_id, environment, user_id }: SessionView, context: Context): Context {
  const actor = { type: 'person' as const, id: user_id, name: 'the person at the link' };
  return { ...context, actor, tenant: { project_id, environment } };
}
