import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Context } from '#contracts/envelope.js';
import { isCoded } from '#contracts/errors.js';
import { inTenantOf, type SessionCommand, type SessionView } from '#contracts/link-session.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';
import { SessionViews } from './session-views.js';
import { idOfToken, Sessions } from './sessions.service.js';

/** The page does not wait longer for the name of who asks. */
const NAME_MS = 1_000;

/** What the hosted page asks. Whoever knows the token's hash holds the link; the tenant is the session's own. */
@Controller()
export class PageController {
  constructor(
    private readonly sessions: Sessions,
    private readonly views: SessionViews,
    @Inject(Bus) private readonly bus: Bus,
  ) {}

  @MessagePattern('link-session.page')
  async page(@Payload() { context, token_hash }: Ask<'link-session.page'>): Promise<Reply<'link-session.page'>> {
    const page = await this.sessions.withFacts(token_hash);
    const [providers, institution_name, project_name] = await Promise.all([
      this.bus.ask('connection.providers', {}),
      this.institutionOf(page.session, context),
      this.projectOf(page.session),
    ]);
    return { ...page, providers, institution_name, project_name };
  }

  @MessagePattern('link-session.page.next')
  async next(@Payload() ask: Ask<'link-session.page.next'>): Promise<Reply<'link-session.page.next'>> {
    const { token_hash, after, wait_ms } = ask;
    // Listening starts before reading, so that nothing can happen in between unheard.
    const happened = this.views.changed(idOfToken(token_hash), wait_ms);
    const now = await this.sessions.withFacts(token_hash);
    if (BigInt(now.position) > BigInt(after)) return now;
    await happened;
    const later = await this.sessions.withFacts(token_hash);
    return BigInt(later.position) > BigInt(after) ? later : null;
  }

  @MessagePattern('link-session.hand-over')
  handOver(@Payload() ask: Ask<'link-session.hand-over'>): Promise<SessionView> {
    const { code_hash } = ask;
    return this.fromPage(ask, () => ({ type: 'HandOver', code_hash, now: now() }));
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

  /** The page works without it. */
  private async projectOf({ project_id }: SessionView): Promise<string | null> {
    const found = await this.bus.ask('key.project.get', { id: project_id }, NAME_MS).catch(() => null);
    const isUnnamed = found?.is_default && found.name === found.slug;
    return found && !isUnnamed ? found.name : null;
  }

  /** A connection that was deleted has none: the link ends, and says why, when the person begins. */
  private async institutionOf(session: SessionView, context: Context): Promise<string | null> {
    if (!session.connection_id || session.action !== 'relink') return null;
    const ask = { context: inTenantOf(session, context), id: session.connection_id };
    const found = await this.bus.ask('connection.read', ask).catch((error: unknown) => {
      if (isCoded(error) && error.code === 'NOT_FOUND') return null;
      throw error;
    });
    return found?.institution_name ?? null;
  }
}

const now = (): string => new Date().toISOString();
