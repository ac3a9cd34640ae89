import { Inject, Injectable } from '@nestjs/common';
import type { AsOf, Context, Tenant, Written } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { idOf, shortIdOf } from '#contracts/ids.js';
import type { PageFacts, SessionCommand, SessionEvent, SessionView } from '#contracts/link-session.js';
import { ownOf } from '#contracts/tenancy.js';
import { readStreamAsOf } from '#eventstore/as-of.js';
import { commandHandler, type Handled } from '#eventstore/command-handler.js';
import { project } from '#eventstore/projection.js';
import { factsOf, readFacts, readStream } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { linkSession } from './link-session.decider.js';
import { sessionAt, sessionProjection } from './link-session.view.js';
import { pageFacts } from './page-facts.js';

/** Commands to sessions and the truth about one, from its own stream. */
@Injectable()
export class Sessions {
  private readonly handle;

  constructor(@Inject(Store) private readonly store: Store) {
    this.handle = commandHandler(store.client, 'link_session', linkSession);
  }

  /** The reply is projected from the stream itself, so the caller sees its own write before Postgres does. */
  async command(id: string, command: SessionCommand, context: Context): Promise<Written<SessionView>> {
    const expectNew = command.type === 'MintSession';
    const { events, decided, position } = await this.handle({ id, command, context, expectNew });
    if (decided.some((event) => event.type === 'UseRefused')) throw new DomainError('CONSUMED');
    const isTooMany = command.type === 'StartAttempt' && decided.some((event) => event.type === 'SessionFailed');
    if (isTooMany) throw new DomainError('GONE');
    return { view: viewOf(events), position };
  }

  /** Another tenant's session does not exist. */
  async ownedBy(tenant: Tenant, id: string): Promise<SessionView> {
    const events = await readFacts<SessionEvent>(this.store.client, `link_session-${id}`);
    return ownOf(tenant, project(sessionProjection, events), 'Link session');
  }

  /** As it was shown at that moment. */
  async past(tenant: Tenant, id: string, moment: AsOf): Promise<SessionView> {
    const { events, time } = await readStreamAsOf<SessionEvent>(this.store.client, `link_session-${id}`, moment);
    const view = project(sessionProjection, events);
    return sessionAt(ownOf(tenant, view, 'Link session'), time);
  }

  /** The session of a link token; the hash leads to the stream, so a link works the moment it was minted. */
  async byToken(tokenHash: string): Promise<SessionView> {
    return (await this.withFacts(tokenHash)).session;
  }

  async withFacts(tokenHash: string): Promise<PageFacts & { session: SessionView }> {
    const { events } = await readStream<SessionEvent>(this.store.client, `link_session-${idOfToken(tokenHash)}`);
    const first = events[0]?.event;
    if (first?.type !== 'SessionMinted' || first.token_hash !== tokenHash) throw new DomainError('INVALID_TOKEN');
    const facts = pageFacts(events, new Date().toISOString());
    return { session: viewOf(factsOf(events)), ...facts };
  }
}

export const idOfToken = (tokenHash: string): string => idOf('link_session', shortIdOf(tokenHash));

function viewOf(events: Handled<SessionEvent>['events']): SessionView {
  const view = project(sessionProjection, events);
  if (!view) throw new DomainError('NOT_FOUND');
  return sessionAt(view, new Date().toISOString());
}
