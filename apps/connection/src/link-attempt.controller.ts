import { setTimeout as wait } from 'node:timers/promises';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { idOf, newShortId } from '#contracts/ids.js';
import { inTenantOf, type SessionView, userDeleted } from '#contracts/link-session.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { settleWithin } from '#contracts/time-limit.js';
import { Bus } from '#service/bus.js';
import { AttemptJournal } from './attempt-journal.js';
import { goneWithUser } from './deleted-user.js';
import type { LinkAttempt } from './link-attempt.entity.js';
import { LinkAttempts } from './link-attempts.service.js';
import { LinkStarter } from './link-starter.js';
import { ProviderError } from './providers/provider.js';
import { type RefusedAttempt, refusedByConnection } from './refused-attempt.js';
import { Users } from './users.service.js';

/** The page does not wait longer than this; the attempt goes on and the page shows progress. */
const PATIENCE_MS = 3_500;
const LOOK_EVERY_MS = 200;

type Start = Ask<'connection.link.start'>;
type Finish = Ask<'connection.link.finish'>;

/** What the hosted page asks about an attempt. */
@Controller()
export class LinkAttemptController {
  constructor(
    private readonly bus: Bus,
    private readonly journal: AttemptJournal,
    private readonly attempts: LinkAttempts,
    private readonly starter: LinkStarter,
    private readonly users: Users,
  ) {}

  /** The attempt's id is the short_id its connection will have. */
  @MessagePattern('connection.link.start')
  async start(@Payload() { context, token_hash, provider, language }: Start): Promise<Reply<'connection.link.start'>> {
    const attempt_id = newShortId();
    const ask = { context, token_hash, attempt_id, provider, connection_id: idOf('connection', attempt_id) };
    const session = await this.bus.ask('link-session.attempt.start', ask);
    try {
      if (!(await this.users.find(session.user_id))) throw goneWithUser();
      const asker = await this.askerOf(context, token_hash);
      return await this.starter.start({ context, token_hash, attempt_id, provider, language, session, asker });
    } catch (error) {
      const refused = refusedBy(error);
      if (!refused) throw error;
      const refuse = { context: inTenantOf(session, context), session_id: session.id, attempt_id, ...refused.refusal };
      await this.bus.ask('link-session.attempt.refuse', refuse);
      throw refused.heard;
    }
  }

  @MessagePattern('connection.link.finish')
  async finish(@Payload() { context, token_hash, attempt_id, sealed }: Finish): Promise<SessionView> {
    const attempt = await this.journal.find(attempt_id);
    if (attempt?.token_hash !== token_hash) throw new DomainError('INVALID_STATE', 'This attempt is not known.');
    if (attempt.state === 'started') await this.journal.receive(attempt, sealed);
    const patientUntil = Date.now() + PATIENCE_MS;
    await settleWithin(this.attempts.advance(attempt_id), PATIENCE_MS);
    return this.whenKnown(attempt, context, patientUntil);
  }

  /** Somebody else may be at work on the attempt, or died at it: a 200 before the claim would offer the person another try. */
  private async whenKnown(attempt: LinkAttempt, context: Context, patientUntil: number): Promise<SessionView> {
    for (;;) {
      const open = await this.journal.find(attempt.attempt_id);
      const session = await this.sessionOf(context, attempt.token_hash);
      if (knows(session, attempt)) return session;
      if (!open || open.state === 'unwanted') return unlessOver(session);
      if (Date.now() >= patientUntil) throw new DomainError('UNAVAILABLE', 'The link is still being finished.');
      await wait(LOOK_EVERY_MS);
    }
  }

  /** The bank's dialog names whom the page names. That nobody can tell keeps no one from their bank. */
  private async askerOf(context: Context, token_hash: string): Promise<string | null> {
    const page = await this.bus.ask('link-session.page', { context, token_hash }).catch(() => null);
    return page?.project_name ?? null;
  }

  private async sessionOf(context: Context, token_hash: string): Promise<SessionView> {
    const { session } = await this.bus.ask('link-session.page', { context, token_hash });
    return session;
  }
}

/** Of an attempt that could not begin; null when it may be tried again as it is. */
function refusedBy(error: unknown): RefusedAttempt | null {
  if (error instanceof ProviderError) {
    const { code, displayMessage } = error;
    const message = displayMessage || 'The bank connection could not be started.';
    return { refusal: { code, message }, heard: new DomainError('PROVIDER_ERROR', message, { code }) };
  }
  if (error instanceof DomainError && error.code === 'GONE') return { refusal: userDeleted, heard: error };
  return refusedByConnection(error);
}

/** From the claim on, the session itself says how the attempt stands. */
const knows = ({ in_flight, result_connection_ids }: SessionView, attempt: LinkAttempt): boolean =>
  in_flight.includes(attempt.attempt_id) || result_connection_ids.includes(attempt.connection_id);

const refusals = { failed: 'GONE', expired: 'EXPIRED', completed: 'CONSUMED', consumed: 'CONSUMED' } as const;

/** An attempt that is over without a trace in its session came too late, also when another worker found that out. */
function unlessOver(session: SessionView): SessionView {
  const { status } = session;
  if (status === 'pending' || status === 'active') return session;
  throw new DomainError(refusals[status]);
}
