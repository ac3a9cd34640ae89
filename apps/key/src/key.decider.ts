import { DomainError } from '#contracts/errors.js';
import type { KeyCommand, KeyEvent, KeyTerms } from '#contracts/key.js';
import type { Decider } from '#eventstore/decider.js';

type Rotated = Extract<KeyEvent, { type: 'KeyRotated' }>;
type Rotate = Extract<KeyCommand, { type: 'RotateKey' }>;

export const ROTATED_ALREADY = 'The API key has been rotated already.';

export type KeyState = { status: 'none' } | MadeKey;

interface MadeKey {
  status: 'live' | 'revoked';
  terms: KeyTerms;
  /** Once there is a successor. */
  rotation: Pick<Rotated, 'successor' | 'retires_at'> | null;
}

export const apiKey: Decider<KeyState, KeyCommand, KeyEvent> = {
  initial: { status: 'none' },

  decide(command, state) {
    if (state.status === 'none') {
      if (command.type !== 'CreateKey') throw new DomainError('NOT_FOUND', 'API key not found');
      refuseTestHousehold(command.terms);
      return [{ type: 'KeyCreated', ...command.terms, at: command.now }];
    }
    switch (command.type) {
      case 'CreateKey':
        if (state.terms.key_hash !== command.terms.key_hash) throw new DomainError('ID_TAKEN');
        return [];

      case 'RenameKey':
        return state.terms.name === command.name ? [] : [{ type: 'KeyRenamed', name: command.name, at: command.now }];

      case 'RotateKey':
        return state.rotation?.successor.key_hash === command.successor.key_hash ? [] : rotate(command, state);

      case 'RevokeKey':
        return state.status === 'live' ? [revoked(state, command.now)] : [];

      case 'NoteRefusals': {
        const { reason, count, first_at, last_at, now } = command;
        return [{ type: 'KeyRefused', reason, count, first_at, last_at, at: now }];
      }
    }
  },

  evolve(state, event) {
    if (event.type === 'KeyCreated') {
      const { type: _type, at: _at, ...terms } = event;
      return { status: 'live', terms, rotation: null };
    }
    if (state.status === 'none') return state;
    switch (event.type) {
      case 'KeyRenamed':
        return { ...state, terms: { ...state.terms, name: event.name } };
      case 'KeyRotated':
        return { ...state, rotation: event };
      case 'KeyRevoked':
        return { ...state, status: 'revoked' };
      case 'KeyRefused':
        return state;
    }
  },
};

/** Without a grace the old key is revoked at once, whatever any clock says. */
function rotate({ successor, created_by, grace_seconds, now }: Rotate, state: MadeKey): KeyEvent[] {
  refuseTestHousehold(state.terms);
  refuseUnlessInUse(state, now);
  const terms: KeyTerms = { ...state.terms, ...successor, created_by };
  const graceEnds = new Date(Date.parse(now) + grace_seconds * 1_000).toISOString();
  const retires_at = earlier(graceEnds, terms.expires_at);
  const rotated: KeyEvent = { type: 'KeyRotated', successor: terms, retires_at, at: now };
  return grace_seconds === 0 ? [rotated, { type: 'KeyRevoked', at: now }] : [rotated];
}

/** A household key reaches what holds for the whole installation, and test keys lie about. */
function refuseTestHousehold({ kind, environment }: KeyTerms): void {
  if (kind === 'household' && environment !== 'live')
    throw new DomainError('FORBIDDEN', 'Household keys (bb_) are live. For test, make a platform key (csk_test_).');
}

function refuseUnlessInUse({ status, rotation, terms }: MadeKey, now: string): void {
  if (status === 'revoked') throw new DomainError('INVALID_STATE', 'The API key has been revoked.');
  if (rotation) throw new DomainError('INVALID_STATE', ROTATED_ALREADY);
  if (terms.expires_at !== null && terms.expires_at <= now) {
    throw new DomainError('INVALID_STATE', 'The API key has expired.');
  }
}

/**
 * A key whose grace is over has been dead since then, whenever that is noticed. An event's own time is always that of its
 * writing: the timeline finds a stretch of time by it.
 */
function revoked({ rotation }: MadeKey, now: string): KeyEvent {
  const since = earlier(now, rotation?.retires_at ?? null);
  return { type: 'KeyRevoked', ...(since !== now && { since }), at: now };
}

const earlier = (one: string, other: string | null): string => (other !== null && other < one ? other : one);
