import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type Context, personAtLink, type Position } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { uuidV5 } from '#contracts/ids.js';
import { type AttemptOutcome, type Refusal, userDeleted } from '#contracts/link-session.js';
import { Bus } from '#service/bus.js';
import { logger } from '#service/logger.js';
import { AttemptJournal } from './attempt-journal.js';
import { BankFacts } from './bank-facts.js';
import { ConnectionViews } from './connection-views.js';
import { Connections } from './connections.service.js';
import { goneWithUser } from './deleted-user.js';
import type { LinkAttempt } from './link-attempt.entity.js';
import { ProviderError } from './providers/provider.js';
import { refusedByConnection } from './refused-attempt.js';
import { Users } from './users.service.js';

const STEP_MS = 4_000;
/** Refusals of the session that end an attempt, as opposed to parts that are away. */
const REFUSALS = new Set(['CONSUMED', 'EXPIRED', 'GONE', 'INVALID_STATE', 'NOT_FOUND', 'INVALID_TOKEN']);
const OUTCOMES = new Set(['PROVIDER_ERROR', 'CONNECTION_DISCONNECTED']);

interface RecordedOutcome {
  outcome: AttemptOutcome;
  position: Position;
}

/**
 * Leads an attempt to its outcome: claim the session's use, ask the provider, record the connection, tell the session.
 * Every step is written down before and may be repeated after a crash, so a session and its connections always agree
 * and no login is left at a provider without a connection.
 */
@Injectable()
export class LinkAttempts implements OnApplicationShutdown {
  /** By their ids. */
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(
    private readonly bus: Bus,
    private readonly journal: AttemptJournal,
    private readonly facts: BankFacts,
    private readonly connections: Connections,
    private readonly users: Users,
    private readonly views: ConnectionViews,
  ) {}

  /**
   * Nothing when somebody is at work on it. That it is done here is known also when the database's clock has gone forward, and
   * takes the lease for lapsed. Throws what the person should hear.
   */
  async advance(attemptId: string): Promise<void> {
    if (this.underWay.has(attemptId)) return;
    const advancing = this.leaseAndAdvance(attemptId);
    this.underWay.set(attemptId, advancing);
    await advancing.finally(() => this.underWay.delete(attemptId));
  }

  /** Whoever began one has answered its caller by now; what the bank gives it must still be written down. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled(this.underWay.values());
  }

  private async leaseAndAdvance(attemptId: string): Promise<void> {
    const attempt = await this.journal.lease(attemptId);
    if (!attempt) return;
    try {
      await this.steps(attempt);
    } catch (error) {
      if (!isFinal(error)) await this.journal.release(attempt);
      throw error;
    }
  }

  private async steps(attempt: LinkAttempt): Promise<void> {
    if (attempt.state === 'unwanted') return this.discard(attempt);
    await this.claim(attempt);
    const { outcome, position } = await this.outcomeOf(attempt);
    const { session_id, attempt_id } = attempt;
    await this.bus.ask('link-session.attempt.settle', { context: contextOf(attempt), session_id, attempt_id, outcome });
    // Until the view shows the connection, only the open attempt keeps its user from being deleted.
    const isShown = await this.views.reached(position).then(
      () => true,
      () => false,
    );
    await (isShown ? this.journal.close(attempt) : this.journal.release(attempt));
  }

  /** An attempt may find its connection disconnected or deleted, or its credential lost: then there is nothing to wait for. */
  private async outcomeOf(attempt: LinkAttempt): Promise<RecordedOutcome> {
    try {
      const learnt = attempt.state === 'learnt' ? attempt : await this.learn(attempt);
      await this.refuseWithoutUser(learnt);
      return await this.record(learnt);
    } catch (error) {
      const refused = refusedByConnection(error);
      if (!refused) throw error;
      await this.refuse(attempt, { ...refused.refusal, is_final: attempt.action === 'relink' });
      throw refused.heard;
    }
  }

  /**
   * Before the provider is called: of two browsers at one single_use link, one gets past this. Each time it is a question of
   * its own: what an earlier claim was answered would hide that the attempt was refused since.
   */
  private async claim(attempt: LinkAttempt): Promise<void> {
    const { session_id, attempt_id } = attempt;
    const context = { ...contextOf(attempt), command_id: randomUUID() };
    try {
      await this.bus.ask('link-session.attempt.claim', { context, session_id, attempt_id });
    } catch (error) {
      if (!(error instanceof DomainError) || !REFUSALS.has(error.code)) throw error;
      await this.discard(await this.journal.markUnwanted(attempt));
      throw error;
    }
  }

  private async learn(attempt: LinkAttempt): Promise<LinkAttempt> {
    try {
      return await this.facts.learn(attempt, contextOf(attempt));
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      if (error.retryable) throw new DomainError('UNAVAILABLE', 'The bank does not answer; we keep trying.');
      await this.refuse(attempt, { code: error.code, message: error.displayMessage || 'The bank refused.' });
      throw new DomainError('PROVIDER_ERROR', error.displayMessage || error.message, { code: error.code });
    }
  }

  /**
   * What exists at the provider goes with the attempt: nobody else could remove it. A bank refuses whoever asks after another
   * worker: that one has its answer.
   */
  private async refuse(attempt: LinkAttempt, refusal: Refusal): Promise<void> {
    const { session_id, attempt_id } = attempt;
    await this.journal.assertLeased(attempt);
    const ask = { context: contextOf(attempt), session_id, attempt_id, ...refusal };
    await this.bus.ask('link-session.attempt.refuse', ask);
    await this.discard(await this.journal.markUnwanted(attempt));
  }

  /** Asked of the user's own stream and as late as can be. A connection that stands was recorded before a crash: it is told. */
  private async refuseWithoutUser(attempt: LinkAttempt): Promise<void> {
    if (await this.users.find(attempt.user_id)) return;
    if (await this.connections.find(attempt.connection_id)) return;
    await this.refuse(attempt, userDeleted);
    throw goneWithUser();
  }

  private async record(attempt: LinkAttempt): Promise<RecordedOutcome> {
    const { facts, connection_id: id, session_id, user_id, provider, project_id, environment } = attempt;
    if (!facts) throw new Error(`attempt ${attempt.attempt_id} is learnt but knows nothing`);
    const now = new Date().toISOString();
    const context = contextOf(attempt);
    if ('outcome' in facts) {
      const relink = { type: 'RecordRelink', session_id, ...facts, now } as const;
      return { outcome: facts.outcome, ...(await this.connections.command(id, relink, context)) };
    }
    const linked = { id, short_id: attempt.attempt_id, user_id, session_id, provider, project_id, environment };
    const link = { type: 'RecordLink', ...linked, ...facts.bank, now } as const;
    return { outcome: 'linked', ...(await this.connections.command(id, link, context)) };
  }

  /** While the provider cannot remove the login it stays unwanted, for the sweep: the person hears the refusal, not that. */
  private async discard(attempt: LinkAttempt): Promise<void> {
    try {
      await this.facts.discard(attempt);
      await this.journal.close(attempt);
    } catch (error) {
      const { attempt_id: attemptId } = attempt;
      logger.warn(
        { attemptId, error: String(error) },
        'an unwanted attempt could not be cleared away; it is tried again',
      );
      await this.journal.release(attempt);
    }
  }
}

const isFinal = (error: unknown): boolean =>
  error instanceof DomainError && (REFUSALS.has(error.code) || OUTCOMES.has(error.code));

/** Each step may take its time anew; the command's name is the attempt's, so a repeated step has no second effect. */
function contextOf(attempt: LinkAttempt): Context {
  const { project_id, environment, user_id, request_id, address, attempt_id } = attempt;
  return {
    tenant: { project_id, environment },
    actor: personAtLink(user_id),
    request_id,
    command_id: uuidV5('2b0d3c5e-9a53-5b6f-8f0a-3d5b1a7c4e21', `${attempt.session_id}:${attempt_id}`),
    address,
    key_prefix: null,
    deadline: Date.now() + STEP_MS,
  };
}
