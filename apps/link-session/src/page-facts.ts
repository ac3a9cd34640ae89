import type { PageFacts, SessionEvent } from '#contracts/link-session.js';
import type { Recorded } from '#eventstore/recorded.js';

/** Nobody tells when a person closes the provider's dialog. After so long, one that has brought nothing counts as closed. */
const TRYING_MS = 5 * 60_000;

/** What the hosted page tells of a session, at `now`, besides what everybody may see of it. */
export function pageFacts(events: Recorded<SessionEvent>[], now: string): PageFacts {
  const facts: PageFacts = { outcome: null, hand_overs: 0, is_trying: false, position: '0' };
  for (const { event, commit } of events) {
    facts.position = String(commit);
    if (event.type === 'AttemptStarted') facts.is_trying = Date.parse(now) - Date.parse(event.at) < TRYING_MS;
    if (event.type === 'AttemptClaimed') facts.is_trying = true;
    if (event.type === 'AttemptRefused' || event.type === 'AttemptSucceeded') facts.is_trying = false;
    if (event.type === 'AttemptSucceeded') facts.outcome = event.outcome;
    if (event.type === 'SessionHandedOver') facts.hand_overs += 1;
  }
  return facts;
}
