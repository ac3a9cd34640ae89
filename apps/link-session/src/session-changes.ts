import { Injectable } from '@nestjs/common';
import type { Position, Tenant } from '#contracts/envelope.js';
import type { SessionChanges, SessionEvent, SessionView } from '#contracts/link-session.js';
import { ownOf } from '#contracts/tenancy.js';
import { project } from '#eventstore/projection.js';
import { readStream } from '#eventstore/read-stream.js';
import type { Recorded } from '#eventstore/recorded.js';
import { Store } from '#service/store.js';
import { sessionAt, sessionProjection } from './link-session.view.js';
import { SessionViews } from './session-views.js';

interface Watch {
  tenant: Tenant;
  id: string;
  after?: Position | undefined;
  wait_ms: number;
}

/** How a session went on, from its own stream. */
@Injectable()
export class WatchSession {
  constructor(
    private readonly store: Store,
    private readonly views: SessionViews,
  ) {}

  async changes(watch: Watch): Promise<SessionChanges> {
    // Listening starts before reading, so that nothing can happen in between unheard.
    const happened = this.views.changed(watch.id, watch.wait_ms);
    const now = await this.since(watch);
    if (now.ended || now.changes.length > 0) return now;
    await happened;
    return this.since(watch);
  }

  private async since({ tenant, id, after }: Watch): Promise<SessionChanges> {
    const { events } = await readStream<SessionEvent>(this.store.client, `link_session-${id}`);
    const all = statesOf(events);
    ownOf(tenant, all.at(-1)?.session, 'Link session');
    return changesSince(after, all, new Date().toISOString());
  }
}

/** Without a position: the session as it is now, which may be expired although nobody has recorded it yet. */
export function changesSince(after: Position | undefined, all: SessionChanges['changes'], now: string): SessionChanges {
  const last = all.at(-1)!;
  if (after === undefined) {
    const session = sessionAt(last.session, now);
    return { changes: [{ ...last, session }], ended: hasEnded(session) };
  }
  const from = BigInt(after);
  return { changes: all.filter(({ position }) => BigInt(position) > from), ended: hasEnded(last.session) };
}

const hasEnded = ({ status }: SessionView): boolean => ['completed', 'failed', 'expired'].includes(status);

/** The session after each event that changed what a caller can see of it. */
function statesOf(events: Recorded<SessionEvent>[]): SessionChanges['changes'] {
  const states: SessionChanges['changes'] = [];
  let session: SessionView | null = null;
  let seen = '';
  for (const { event, commit } of events) {
    session = project(sessionProjection, [event], session);
    if (!session) continue;
    const visible = JSON.stringify({ ...session, in_flight: null, last_refusal: null });
    if (visible !== seen) states.push({ position: String(commit), session });
    seen = visible;
  }
  return states;
}
