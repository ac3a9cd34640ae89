import type { PageFacts, SessionView } from '#contracts/link-session.js';

/** What the page's script needs to know of its session. */
export interface PageState {
  status: SessionView['status'];
  /** Attempts whose outcome is not known yet. */
  in_flight: string[];
  /** Names what there is to see: a page that was made for another one is out of date. */
  shows: string;
}

/** The state as a page that follows its session is told of it. */
export type FollowedState = PageState & Pick<PageFacts, 'hand_overs' | 'is_trying'>;

export const stateOf = (session: SessionView): PageState => ({
  status: session.status,
  in_flight: session.in_flight,
  shows: showsOf(session),
});

export const followedStateOf = ({ session, ...facts }: PageFacts & { session: SessionView }): FollowedState => ({
  ...stateOf(session),
  hand_overs: facts.hand_overs,
  is_trying: facts.is_trying,
});

/** A pending and an active session look the same. */
export const showsOf = (session: SessionView): string =>
  [phaseOf(session), session.result_connection_ids.length, session.last_refusal?.code ?? ''].join(' ');

function phaseOf({ status, in_flight }: SessionView): string {
  if (status === 'consumed' || in_flight.length > 0) return 'busy';
  return status === 'pending' || status === 'active' ? 'open' : status;
}
