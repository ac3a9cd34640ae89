import { DomainError } from '#contracts/errors.js';
import type { ProviderName, SessionCommand, SessionEvent, SessionTerms } from '#contracts/link-session.js';
import type { Decider } from '#eventstore/decider.js';

const DEFAULT_TTL_SECONDS = 900;
/** So many refusals in a row end the session. */
const MAX_REFUSALS = 5;
/** More started attempts than anybody needs: the next one ends the session, or the stream would grow without limit. */
const MAX_ATTEMPTS = 50;
/** A flood of requests at a dead link must make no flood of events. */
const MAX_REFUSED_USES = 10;
/** Whoever only opens a used link again gets no attempt; that is recorded once. */
const NO_ATTEMPT = '';
/** A person has a few devices, and codes that nobody used do not count. */
const MAX_HAND_OVERS = 10;

interface Attempt {
  provider: ProviderName;
  connection_id: string;
  state: 'started' | 'claimed' | 'refused' | 'succeeded';
}

interface Minted {
  status: 'pending' | 'active' | 'consumed' | 'completed' | 'failed' | 'expired';
  terms: Pick<SessionTerms, 'token_hash' | 'provider' | 'single_use' | 'connection_id'>;
  expires_at: string;
  attempts: Readonly<Record<string, Attempt>>;
  /** Refused attempts since the last success. */
  refusals: number;
  /** Attempts and codes. */
  refused_uses: readonly string[];
  used_codes: readonly string[];
}

export type SessionState = { status: 'none' } | Minted;
type Command<T extends SessionCommand['type']> = Extract<SessionCommand, { type: T }>;

export const linkSession: Decider<SessionState, SessionCommand, SessionEvent> = {
  initial: { status: 'none' },

  decide(command, state) {
    if (command.type === 'MintSession') return mint(command, state);
    if (state.status === 'none') throw new DomainError('NOT_FOUND');
    switch (command.type) {
      case 'ActivateSession':
        return activate(command, state);
      case 'StartAttempt':
        return startAttempt(command, state);
      case 'ClaimAttempt':
        return claimAttempt(command, state);
      case 'RefuseAttempt':
        return refuseAttempt(command, state);
      case 'SettleAttempt':
        return settleAttempt(command, state);
      case 'FinishSession':
        return finish(command, state);
      case 'HandOver':
        return handOver(command, state);
      case 'FailSession':
        return fail(command, state);
      case 'ExpireSession':
        return hasExpired(state, command.now) ? [{ type: 'SessionExpired', at: command.now }] : [];
    }
  },

  evolve(state, event) {
    if (event.type === 'SessionMinted') return minted(event);
    return state.status === 'none' ? state : changed(state, event);
  },
};

function mint({ terms, ttl_seconds, now }: Command<'MintSession'>, state: SessionState): SessionEvent[] {
  if (state.status !== 'none') {
    if (state.terms.token_hash === terms.token_hash) return [];
    throw new DomainError('ID_TAKEN');
  }
  const expires_at = new Date(Date.parse(now) + (ttl_seconds || DEFAULT_TTL_SECONDS) * 1000).toISOString();
  return [{ type: 'SessionMinted', expires_at, at: now, ...terms }];
}

function activate({ now }: Command<'ActivateSession'>, state: Minted): SessionEvent[] {
  if (isUsed(state)) return refuseUse(state, NO_ATTEMPT, now);
  assertUsable(state, now);
  return state.status === 'active' ? [] : [{ type: 'SessionActivated', at: now }];
}

function startAttempt(command: Command<'StartAttempt'>, state: Minted): SessionEvent[] {
  const { attempt_id, provider, connection_id, now } = command;
  if (state.attempts[attempt_id]) return [];
  if (isUsed(state)) return refuseUse(state, attempt_id, now);
  assertUsable(state, now);
  if (state.status !== 'active') throw new DomainError('INVALID_STATE', 'The link has not been opened yet.');
  if (state.terms.provider !== '' && state.terms.provider !== provider) {
    throw new DomainError('FORBIDDEN', `This link is for ${state.terms.provider}.`);
  }
  if (Object.keys(state.attempts).length >= MAX_ATTEMPTS) {
    const error_message = 'This link has been tried too often.';
    return fail({ type: 'FailSession', error_code: 'TOO_MANY_ATTEMPTS', error_message, now }, state);
  }
  return [{ type: 'AttemptStarted', attempt_id, provider, connection_id, at: now }];
}

/** The append of this event at the exact revision is what makes a single_use link single: one claim wins. */
function claimAttempt({ attempt_id, now }: Command<'ClaimAttempt'>, state: Minted): SessionEvent[] {
  const attempt = attemptOf(state, attempt_id);
  if (attempt.state === 'claimed' || attempt.state === 'succeeded') return [];
  if (attempt.state === 'refused') throw new DomainError('INVALID_STATE', 'This attempt was refused; start another.');
  if (isUsed(state)) return refuseUse(state, attempt_id, now);
  assertUsable(state, now);
  return [{ type: 'AttemptClaimed', attempt_id, at: now }];
}

/** `Sessions` turns this event into 410 CONSUMED: the refusal is a fact, and it changes nothing. */
function refuseUse(state: Minted, attempt_id: string, at: string): SessionEvent[] {
  assertNotRecorded(state, attempt_id);
  return [{ type: 'UseRefused', attempt_id, at }];
}

/** Each refused use is recorded once. */
function assertNotRecorded({ refused_uses }: Minted, use: string): void {
  if (refused_uses.includes(use) || refused_uses.length >= MAX_REFUSED_USES) throw new DomainError('CONSUMED');
}

function refuseAttempt(command: Command<'RefuseAttempt'>, state: Minted): SessionEvent[] {
  const { attempt_id, code, message, by, is_final = false, now } = command;
  const attempt = attemptOf(state, attempt_id);
  if (attempt.state === 'refused') return [];
  if (attempt.state === 'succeeded' || (attempt.state === 'claimed' && by === 'page')) {
    throw new DomainError('INVALID_STATE', 'The outcome of this attempt is not the page’s to say.');
  }
  if (isEnded(state) || hasExpired(state, now)) return [];
  const refused: SessionEvent = { type: 'AttemptRefused', attempt_id, code, message, at: now };
  if (inFlight(state).some((id) => id !== attempt_id)) return [refused];
  if (is_final) return [refused, { type: 'SessionFailed', error_code: code, error_message: message, at: now }];
  if (state.refusals + 1 < MAX_REFUSALS) return [refused];
  const error_message = `The bank refused ${MAX_REFUSALS} times in a row; the last time: ${message}`;
  return [refused, { type: 'SessionFailed', error_code: 'TOO_MANY_ATTEMPTS', error_message, at: now }];
}

function settleAttempt({ attempt_id, outcome, now }: Command<'SettleAttempt'>, state: Minted): SessionEvent[] {
  const attempt = attemptOf(state, attempt_id);
  if (attempt.state === 'succeeded') return [];
  if (attempt.state !== 'claimed') throw new DomainError('INVALID_STATE', 'This attempt was not claimed.');
  const { connection_id } = attempt;
  const succeeded: SessionEvent = { type: 'AttemptSucceeded', attempt_id, connection_id, outcome, at: now };
  return state.terms.single_use ? [succeeded, { type: 'SessionCompleted', at: now }] : [succeeded];
}

function finish({ now }: Command<'FinishSession'>, state: Minted): SessionEvent[] {
  if (state.status === 'completed') return [];
  assertUsable(state, now);
  assertIdle(state);
  if (!Object.values(state.attempts).some((attempt) => attempt.state === 'succeeded')) {
    throw new DomainError('INVALID_STATE', 'No bank has been connected yet.');
  }
  return [{ type: 'SessionCompleted', at: now }];
}

/** Of two devices at one code, the append at the exact revision lets one in. */
function handOver({ code_hash, now }: Command<'HandOver'>, state: Minted): SessionEvent[] {
  if (state.used_codes.includes(code_hash)) {
    assertNotRecorded(state, code_hash);
    return [{ type: 'UseRefused', attempt_id: NO_ATTEMPT, code_hash, at: now }];
  }
  assertUsable(state, now);
  if (state.used_codes.length >= MAX_HAND_OVERS) {
    throw new DomainError('INVALID_STATE', 'This link has been handed over too often.');
  }
  return [{ type: 'SessionHandedOver', code_hash, at: now }];
}

function fail({ error_code, error_message, now }: Command<'FailSession'>, state: Minted): SessionEvent[] {
  if (isEnded(state) || hasExpired(state, now)) {
    throw new DomainError('INVALID_STATE', 'The link session has ended.');
  }
  assertIdle(state);
  return [{ type: 'SessionFailed', error_code, error_message, at: now }];
}

function minted(event: Extract<SessionEvent, { type: 'SessionMinted' }>): Minted {
  const { token_hash, provider, single_use, connection_id, expires_at } = event;
  const terms = { token_hash, provider, single_use, connection_id };
  return { status: 'pending', terms, expires_at, attempts: {}, refusals: 0, refused_uses: [], used_codes: [] };
}

function changed(state: Minted, event: Exclude<SessionEvent, { type: 'SessionMinted' }>): Minted {
  switch (event.type) {
    case 'SessionActivated':
      return { ...state, status: 'active' };
    case 'AttemptStarted': {
      const { attempt_id, provider, connection_id } = event;
      return { ...state, attempts: { ...state.attempts, [attempt_id]: { provider, connection_id, state: 'started' } } };
    }
    case 'AttemptClaimed':
      return { ...mark(state, event.attempt_id, 'claimed'), status: state.terms.single_use ? 'consumed' : 'active' };
    case 'AttemptRefused': {
      // Only the attempt that holds the use can give it back.
      const status = inFlight(state).includes(event.attempt_id) ? 'active' : state.status;
      return { ...mark(state, event.attempt_id, 'refused'), status, refusals: state.refusals + 1 };
    }
    case 'AttemptSucceeded':
      return { ...mark(state, event.attempt_id, 'succeeded'), refusals: 0 };
    case 'UseRefused':
      return { ...state, refused_uses: [...state.refused_uses, event.code_hash ?? event.attempt_id] };
    case 'SessionHandedOver':
      return { ...state, used_codes: [...state.used_codes, event.code_hash] };
    case 'SessionCompleted':
      return { ...state, status: 'completed' };
    case 'SessionFailed':
      return { ...state, status: 'failed' };
    case 'SessionExpired':
      return { ...state, status: 'expired' };
    case 'PersonalTextErased':
      return state;
  }
}

function mark(state: Minted, attemptId: string, to: Attempt['state']): Minted {
  const attempt = state.attempts[attemptId];
  return attempt ? { ...state, attempts: { ...state.attempts, [attemptId]: { ...attempt, state: to } } } : state;
}

function attemptOf(state: Minted, attemptId: string): Attempt {
  const attempt = Object.hasOwn(state.attempts, attemptId) ? state.attempts[attemptId] : undefined;
  if (!attempt) throw new DomainError('INVALID_STATE', 'This attempt is not known to the link session.');
  return attempt;
}

const inFlight = (state: Minted): string[] =>
  Object.keys(state.attempts).filter((id) => state.attempts[id]!.state === 'claimed');

const isEnded = (state: Minted): boolean =>
  state.status === 'completed' || state.status === 'failed' || state.status === 'expired';

const isUsed = (state: Minted): boolean =>
  state.status === 'consumed' || (state.status === 'completed' && state.terms.single_use);

/** A claim that is in flight is allowed to finish. */
const hasExpired = (state: Minted, now: string): boolean =>
  (state.status === 'pending' || state.status === 'active') && state.expires_at <= now && inFlight(state).length === 0;

function assertUsable(state: Minted, now: string): void {
  if (state.status === 'consumed' || state.status === 'completed') throw new DomainError('CONSUMED');
  if (state.status === 'failed') throw new DomainError('GONE');
  if (state.status === 'expired' || state.expires_at <= now) throw new DomainError('EXPIRED');
}

function assertIdle(state: Minted): void {
  if (inFlight(state).length > 0) throw new DomainError('INVALID_STATE', 'An attempt is being finished; try again.');
}
