import type { ErrorCode } from '#contracts/errors.js';
import type { ProviderName, SessionPage, SessionView } from '#contracts/link-session.js';
import { leavesTo } from './redirect.js';
import type { Texts } from './texts/en.js';

type TextKey = keyof Texts;

const LOOK_AGAIN_SECONDS = 30;

/** A session that still waits for the person. */
interface Open {
  relink: boolean;
  /** The project's name; null lets the installation's brand ask. */
  asker: string | null;
  institution: string | null;
  label: string;
  providers: ProviderName[];
  /** Banks connected through this session so far. */
  banks: number;
  secondsLeft: number;
  /** What goes on, where the person went on at another device; at which of them, nobody tells. */
  elsewhere: 'handedOver' | 'tryingElsewhere' | null;
}

/** An end, or no beginning: a heading, a sentence, and the status of the answer. */
export interface Ended {
  kind: 'ended';
  status: number;
  heading: TextKey;
  text: TextKey;
  /** The page may work if it is loaded once more. */
  retry: boolean;
  /** The host of the app that the person goes back to. */
  leavesTo: string | null;
  /** How a link that is over is called in an address that names no link. */
  over?: string;
}

/** What the hosted page shows: one kind per template. */
export type PageView =
  | ({ kind: 'offer'; picked?: boolean } & Open)
  | ({ kind: 'refused'; reason: TextKey; code: string | null; tried: ProviderName | null } & Open)
  | ({ kind: 'more' } & Open)
  | ({ kind: 'step'; provider: ProviderName } & Open)
  | { kind: 'progress' }
  | { kind: 'continue' }
  | ({ kind: 'done'; outcome: SessionPage['outcome']; leavesTo: string | null; guest?: boolean } & Pick<
      Open,
      'institution' | 'banks'
    >)
  | Ended;

/** Where the person comes from: back from a provider's step, or asking to choose (again). */
export interface Wish {
  tried?: string | undefined;
  pick?: string | undefined;
}

/** The view of a session at `now` (epoch milliseconds). */
export function viewOf(page: SessionPage, wish: Wish, now: number): PageView {
  const { session } = page;
  if (session.status === 'failed' || session.status === 'expired') return endOf(session);
  if (session.status === 'consumed' || session.in_flight.length > 0) return { kind: 'progress' };
  const banks = session.result_connection_ids.length;
  if (session.status === 'completed') {
    const { outcome, institution_name: institution } = page;
    return { kind: 'done', outcome, institution, banks, leavesTo: hostOf(session) };
  }
  const open = openOf(page, now);
  if (wish.pick !== undefined) return { kind: 'offer', picked: true, ...open };
  if (session.last_refusal)
    return { kind: 'refused', ...reasonOf(session.last_refusal), tried: triedOf(open, wish), ...open };
  return { kind: banks > 0 ? 'more' : 'offer', ...open };
}

/** A provider's own step; null when the session does not offer that provider or no longer waits for anything. */
export function stepOf(page: SessionPage, provider: string, now: number): Extract<PageView, { kind: 'step' }> | null {
  const { status, in_flight } = page.session;
  if ((status !== 'pending' && status !== 'active') || in_flight.length > 0) return null;
  const open = openOf(page, now);
  const offered = open.providers.find((each) => each === provider);
  return offered ? { kind: 'step', provider: offered, ...open } : null;
}

function openOf({ session, providers, institution_name, project_name, ...facts }: SessionPage, now: number): Open {
  return {
    relink: session.action === 'relink',
    asker: project_name,
    institution: institution_name,
    label: session.label,
    providers: providers.filter((each) => session.provider === '' || session.provider === each),
    banks: session.result_connection_ids.length,
    elsewhere: elsewhereOf(facts),
    secondsLeft: secondsUntil(session.expires_at, now),
  };
}

function elsewhereOf({ hand_overs, is_trying }: Pick<SessionPage, 'hand_overs' | 'is_trying'>): Open['elsewhere'] {
  if (hand_overs === 0) return null;
  return is_trying ? 'tryingElsewhere' : 'handedOver';
}

/** Of a link that is open by the clock of its service and over by ours, the page looks again once in a while. */
function secondsUntil(end: string, now: number): number {
  const left = Math.ceil((Date.parse(end) - now) / 1000);
  return left > 0 ? left : LOOK_AGAIN_SECONDS;
}

/** At a device that the person only went on at, nothing goes on elsewhere, and the way back to the app is not here. */
export function forGuest(view: PageView): PageView {
  if (view.kind === 'done') return { ...view, leavesTo: null, guest: true };
  if (view.kind === 'ended') return { ...view, leavesTo: null };
  return 'elsewhere' in view ? { ...view, elsewhere: null } : view;
}

const triedOf = ({ providers }: Open, { tried }: Wish): ProviderName | null =>
  providers.length === 1 ? providers[0]! : (providers.find((each) => each === tried) ?? null);

/** The pages of links that no longer do anything for whoever opens them. None says more than its name. */
const overs = {
  expired: ended(410, 'expiredHeading', 'expiredText'),
  connected: ended(410, 'expiredHeading', 'expiredConnectedText'),
  used: ended(410, 'usedHeading', 'usedText'),
  stopped: ended(410, 'invalidHeading', 'gaveUpText'),
  refused: ended(410, 'invalidHeading', 'tooManyText'),
  cancelled: ended(410, 'invalidHeading', 'cancelledText'),
  gone: ended(410, 'invalidHeading', 'goneText'),
  failed: ended(410, 'invalidHeading', 'invalidText'),
};
type Over = keyof typeof overs;

const failures: Record<string, Over> = {
  GIVEN_UP: 'stopped',
  TOO_MANY_ATTEMPTS: 'refused',
  CANCELLED: 'cancelled',
  CONNECTION_DISCONNECTED: 'gone',
  CREDENTIAL_LOST: 'gone',
  USER_DELETED: 'gone',
};

/** The page of a link that is over. */
export function endOf(session: SessionView): Ended & { over: Over } {
  const over = overOf(session);
  return { ...overs[over], over, leavesTo: over === 'used' ? null : hostOf(session) };
}

function overOf({ status, error_code, result_connection_ids }: SessionView): Over {
  if (status === 'expired') return result_connection_ids.length > 0 ? 'connected' : 'expired';
  if (status === 'completed') return 'used';
  return Object.hasOwn(failures, error_code ?? '') ? failures[error_code!]! : 'failed';
}

/** The same page for an address that names no link: what `overOf` said of the link that was opened. */
export const endNamed = (over: string): Ended | null => (Object.hasOwn(overs, over) ? overs[over as Over] : null);

function ended(status: number, heading: TextKey, text: TextKey): Ended {
  return { kind: 'ended', status, heading, text, retry: false, leavesTo: null };
}

const again = { retry: true };
const refusals: Partial<Record<ErrorCode, Ended>> = {
  INVALID_TOKEN: ended(404, 'invalidHeading', 'invalidText'),
  NOT_FOUND: ended(404, 'invalidHeading', 'invalidText'),
  EXPIRED: ended(410, 'expiredHeading', 'expiredText'),
  CONSUMED: ended(410, 'usedHeading', 'usedText'),
  GONE: ended(410, 'invalidHeading', 'invalidText'),
  RATE_LIMITED: { ...ended(429, 'crowdedHeading', 'crowdedText'), ...again },
  UNAVAILABLE: { ...ended(503, 'awayHeading', 'awayText'), ...again },
};

/** The page for a refusal. What is unknown and what is malformed look the same; whatever else comes is our own mistake. */
export const endOfRefusal = (code: ErrorCode): Ended =>
  refusals[code] ?? { ...ended(500, 'brokenHeading', 'brokenText'), ...again };

const hostOf = (session: SessionView): string | null => leavesTo(session)?.host ?? null;

const reasons: Record<string, TextKey> = {
  ITEM_LOCKED: 'refusedLocked',
  INSTITUTION_DOWN: 'refusedDown',
  INSTITUTION_NOT_RESPONDING: 'refusedDown',
  INVALID_CREDENTIALS: 'refusedSignIn',
  INVALID_MFA: 'refusedSignIn',
  DIFFERENT_ACCOUNT: 'refusedOtherAccount',
};

/** Plain words for a provider's code. Its own message may be in another language or meant for programmers. */
function reasonOf({ code }: { code: string }): { reason: TextKey; code: string | null } {
  const known = code.toUpperCase();
  const shown = /^[A-Z][A-Z0-9_]{0,63}$/.test(known) ? known : null;
  return { reason: Object.hasOwn(reasons, known) ? reasons[known]! : 'refusedOther', code: shown };
}
