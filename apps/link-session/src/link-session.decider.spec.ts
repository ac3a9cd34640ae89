import { describe, it } from '@jest/globals';
import type { SessionCommand, SessionEvent, SessionTerms } from '#contracts/link-session.js';
import { specification } from '#testing/given.js';
import { linkSession } from './link-session.decider.js';

const given = specification(linkSession);
const noon = '2026-01-01T12:00:00.000Z';
const later = '2026-01-01T12:05:00.000Z';
const tooLate = '2026-01-01T12:15:00.000Z';

const terms: SessionTerms = {
  project_id: 'prj_1',
  environment: 'live',
  id: 'session-1',
  short_id: 'abcdefgh',
  token_hash: 'hash',
  user_id: 'user-1',
  provider: '',
  action: 'link',
  connection_id: null,
  single_use: false,
  redirect_url: '',
  label: '',
};
const once: SessionTerms = { ...terms, single_use: true };

const mint = (t: SessionTerms = terms): SessionCommand => ({
  type: 'MintSession',
  terms: t,
  ttl_seconds: 0,
  now: noon,
});
const minted = (t: SessionTerms = terms): SessionEvent => ({
  type: 'SessionMinted',
  ...t,
  expires_at: tooLate,
  at: noon,
});
const activated: SessionEvent = { type: 'SessionActivated', at: noon };
const start = (attempt_id: string): SessionCommand => ({
  type: 'StartAttempt',
  attempt_id,
  provider: 'plaid',
  connection_id: `connection-${attempt_id}`,
  now: later,
});
const started = (attempt_id: string): SessionEvent => ({
  type: 'AttemptStarted',
  attempt_id,
  provider: 'plaid',
  connection_id: `connection-${attempt_id}`,
  at: later,
});
const claim = (attempt_id: string, now = later): SessionCommand => ({ type: 'ClaimAttempt', attempt_id, now });
const claimed = (attempt_id: string): SessionEvent => ({ type: 'AttemptClaimed', attempt_id, at: later });
const refuse = (attempt_id: string, by: 'page' | 'provider'): SessionCommand => ({
  type: 'RefuseAttempt',
  attempt_id,
  code: 'ITEM_LOCKED',
  message: 'Locked.',
  by,
  now: later,
});
const refused = (attempt_id: string): SessionEvent => ({
  type: 'AttemptRefused',
  attempt_id,
  code: 'ITEM_LOCKED',
  message: 'Locked.',
  at: later,
});
const settle = (attempt_id: string): SessionCommand => ({
  type: 'SettleAttempt',
  attempt_id,
  outcome: 'linked',
  now: later,
});
const succeeded = (attempt_id: string): SessionEvent => ({
  type: 'AttemptSucceeded',
  attempt_id,
  connection_id: `connection-${attempt_id}`,
  outcome: 'linked',
  at: later,
});
const useRefused = (attempt_id: string): SessionEvent => ({ type: 'UseRefused', attempt_id, at: later });
const completed: SessionEvent = { type: 'SessionCompleted', at: later };
const failed: SessionEvent = { type: 'SessionFailed', error_code: 'CANCELLED', error_message: 'Cancelled.', at: later };
const expired: SessionEvent = { type: 'SessionExpired', at: tooLate };
const cancel: SessionCommand = {
  type: 'FailSession',
  error_code: 'CANCELLED',
  error_message: 'Cancelled.',
  now: later,
};
const expire = (now: string): SessionCommand => ({ type: 'ExpireSession', now });
const finish: SessionCommand = { type: 'FinishSession', now: later };
const used = [minted(once), activated, started('a'), started('b'), claimed('a')];

describe('minting a session', () => {
  it('lasts fifteen minutes when the caller names no lifetime', () => given().when(mint()).then(minted()));
  it('happens once, however often it is asked', () => given(minted()).when(mint()).thenNothing());
  it('refuses an id that belongs to another link', () =>
    given(minted())
      .when(mint({ ...terms, token_hash: 'other' }))
      .thenRefused('ID_TAKEN'));
});

describe('opening a link', () => {
  const activate = (now: string): SessionCommand => ({ type: 'ActivateSession', now });
  it('is unknown until minted', () => given().when(activate(noon)).thenRefused('NOT_FOUND'));
  it('starts the session', () => given(minted()).when(activate(noon)).then(activated));
  it('starts it once', () => given(minted(), activated).when(activate(later)).thenNothing());
  it('is too late at its last millisecond', () => given(minted()).when(activate(tooLate)).thenRefused('EXPIRED'));
  it('is too late once expired', () => given(minted(), expired).when(activate(noon)).thenRefused('EXPIRED'));
  it('is over once failed', () => given(minted(), failed).when(activate(noon)).thenRefused('GONE'));
  it('is over once used, which is recorded once', () => {
    given(...used)
      .when(activate(later))
      .then(useRefused(''));
    given(...used, succeeded('a'), completed)
      .when(activate(later))
      .then(useRefused(''));
    given(...used, useRefused(''))
      .when(activate(later))
      .thenRefused('CONSUMED');
  });
  it('is over once a link for many is done, which is no second use', () =>
    given(minted(), activated, started('a'), claimed('a'), succeeded('a'), completed)
      .when(activate(later))
      .thenRefused('CONSUMED'));
});

describe('an attempt', () => {
  it('needs an opened link', () => given(minted()).when(start('a')).thenRefused('INVALID_STATE'));
  it('starts on an opened link', () => given(minted(), activated).when(start('a')).then(started('a')));
  it('starts once', () => given(minted(), activated, started('a')).when(start('a')).thenNothing());
  it('stays with the pinned provider', () =>
    given(minted({ ...terms, provider: 'teller' }), activated)
      .when(start('a'))
      .thenRefused('FORBIDDEN'));
  it('does not start on a used link, which is recorded', () => {
    given(...used)
      .when(start('c'))
      .then(useRefused('c'));
    given(...used, succeeded('a'), completed)
      .when(start('c'))
      .then(useRefused('c'));
  });
  it('leaves no more than ten such records on a link', () => {
    const ten = Array.from({ length: 10 }, (_, n) => useRefused(`c${n}`));
    given(...used, succeeded('a'), completed, ...ten)
      .when(start('one more'))
      .thenRefused('CONSUMED');
  });
  it('is not known before it started', () => given(minted(), activated).when(claim('a')).thenRefused('INVALID_STATE'));
  it('is not an inherited property of any object', () =>
    given(minted(), activated).when(claim('constructor')).thenRefused('INVALID_STATE'));
  it('can be started fifty times; one more ends the session, unless another is being finished', () => {
    const many = Array.from({ length: 50 }, (_, n) => started(`a${n}`));
    const error = { error_code: 'TOO_MANY_ATTEMPTS', error_message: 'This link has been tried too often.' };
    given(minted(), activated, ...many)
      .when(start('one more'))
      .then({ type: 'SessionFailed', ...error, at: later });
    given(minted(), activated, ...many, claimed('a0'))
      .when(start('one more'))
      .thenRefused('INVALID_STATE');
  });
});

describe('claiming the use of a link', () => {
  it('takes it', () => given(minted(once), activated, started('a')).when(claim('a')).then(claimed('a')));
  it('takes it once', () =>
    given(...used)
      .when(claim('a'))
      .thenNothing());
  it('keeps it when it is asked again after the end', () =>
    given(...used, succeeded('a'), completed)
      .when(claim('a'))
      .thenNothing());
  it('records that a second use was refused', () =>
    given(...used)
      .when(claim('b'))
      .then(useRefused('b')));
  it('records it once', () =>
    given(...used, useRefused('b'))
      .when(claim('b'))
      .thenRefused('CONSUMED'));
  it('refuses a second use after the end, too', () =>
    given(...used, succeeded('a'), completed)
      .when(claim('b'))
      .then(useRefused('b')));
  it('lets many in when the link is for many', () =>
    given(minted(), activated, started('a'), started('b'), claimed('a')).when(claim('b')).then(claimed('b')));
  it('is free again when the provider refused', () =>
    given(...used, refused('a'))
      .when(claim('b'))
      .then(claimed('b')));
  it('refuses an attempt that was refused', () =>
    given(...used, refused('a'))
      .when(claim('a'))
      .thenRefused('INVALID_STATE'));
  it('is too late after the time', () =>
    given(minted(), activated, started('a')).when(claim('a', tooLate)).thenRefused('EXPIRED'));
});

describe('a refused attempt', () => {
  const fourRefused = [minted(), activated, ...['a', 'b', 'c', 'd'].flatMap((id) => [started(id), refused(id)])];
  it('gives the use back', () =>
    given(...used)
      .when(refuse('a', 'provider'))
      .then(refused('a')));
  it('does not give back a use that another attempt holds', () =>
    given(...used, started('c'), refused('c'))
      .when(claim('b'))
      .then(useRefused('b')));
  it('is refused once', () =>
    given(...used, refused('a'))
      .when(refuse('a', 'provider'))
      .thenNothing());
  it('cannot be called so by the page once it is claimed', () =>
    given(...used)
      .when(refuse('a', 'page'))
      .thenRefused('INVALID_STATE'));
  it('cannot be called so once it succeeded', () =>
    given(...used, succeeded('a'), completed)
      .when(refuse('a', 'provider'))
      .thenRefused('INVALID_STATE'));
  it('changes nothing after the end', () =>
    given(minted(), activated, started('a'), failed).when(refuse('a', 'page')).thenNothing());
  it('changes nothing after the time, unless it was claimed before', () => {
    const page = { ...refuse('e', 'page'), now: tooLate };
    given(...fourRefused, started('e'))
      .when(page)
      .thenNothing();
    given(minted(), activated, started('a'), claimed('a'))
      .when({ ...refuse('a', 'provider'), now: tooLate })
      .then({ ...refused('a'), at: tooLate });
  });
  it('ends the session at the fifth time in a row', () => {
    const error_message = 'The bank refused 5 times in a row; the last time: Locked.';
    given(...fourRefused, started('e'))
      .when(refuse('e', 'page'))
      .then(refused('e'), { type: 'SessionFailed', error_code: 'TOO_MANY_ATTEMPTS', error_message, at: later });
  });
  it('ends the session when no other can go better', () => {
    const why = { code: 'USER_DELETED', message: 'Deleted.' };
    const final: SessionCommand = {
      type: 'RefuseAttempt',
      attempt_id: 'a',
      ...why,
      by: 'provider',
      is_final: true,
      now: later,
    };
    const refusedFor: SessionEvent = { type: 'AttemptRefused', attempt_id: 'a', ...why, at: later };
    given(...used)
      .when(final)
      .then(refusedFor, { type: 'SessionFailed', error_code: why.code, error_message: why.message, at: later });
    given(minted(), activated, started('a'), started('b'), claimed('b')).when(final).then(refusedFor);
  });
  it('does not count what was before a success', () => {
    given(...fourRefused, started('e'), claimed('e'), succeeded('e'), started('f'))
      .when(refuse('f', 'page'))
      .then(refused('f'));
  });
});

describe('a settled attempt', () => {
  it('completes a single_use session', () =>
    given(...used)
      .when(settle('a'))
      .then(succeeded('a'), completed));
  it('leaves a session for many open', () =>
    given(minted(), activated, started('a'), claimed('a')).when(settle('a')).then(succeeded('a')));
  it('is settled once', () =>
    given(...used, succeeded('a'), completed)
      .when(settle('a'))
      .thenNothing());
  it('must have been claimed', () =>
    given(minted(), activated, started('a')).when(settle('a')).thenRefused('INVALID_STATE'));
});

describe('the end', () => {
  const one = [minted(), activated, started('a'), claimed('a'), succeeded('a')];
  it('comes when the person is done', () =>
    given(...one)
      .when(finish)
      .then(completed));
  it('comes once', () =>
    given(...one, completed)
      .when(finish)
      .thenNothing());
  it('needs a bank first', () => given(minted(), activated).when(finish).thenRefused('INVALID_STATE'));
  it('waits for an attempt in flight', () =>
    given(...one, started('b'), claimed('b'))
      .when(finish)
      .thenRefused('INVALID_STATE'));
  it('comes by cancelling', () => given(minted()).when(cancel).then(failed));
  it('does not come by cancelling while an attempt is in flight', () =>
    given(...used)
      .when(cancel)
      .thenRefused('INVALID_STATE'));
  it.each([[completed], [failed], [expired]])('is the end: %j', (end) => {
    given(...one, end)
      .when(cancel)
      .thenRefused('INVALID_STATE');
    given(...one, end)
      .when(expire(tooLate))
      .thenNothing();
  });
  it('cannot be cancelled after its time', () =>
    given(minted())
      .when({ ...cancel, now: tooLate })
      .thenRefused('INVALID_STATE'));
});

describe('going on at another device', () => {
  const handOver = (code_hash: string): SessionCommand => ({ type: 'HandOver', code_hash, now: later });
  const handedOver = (code_hash: string): SessionEvent => ({ type: 'SessionHandedOver', code_hash, at: later });
  const codeRefused = (code_hash: string): SessionEvent => ({ ...useRefused(''), code_hash }) as SessionEvent;
  const tenTimes = Array.from({ length: 10 }, (_, index) => handedOver(`code ${index}`));

  it('is recorded', () => given(minted(), activated).when(handOver('a')).then(handedOver('a')));
  it('works with the next code', () => given(minted(), handedOver('a')).when(handOver('b')).then(handedOver('b')));
  it('works once with a code, and the second try is recorded, once', () => {
    given(minted(), activated, handedOver('a')).when(handOver('a')).then(codeRefused('a'));
    given(minted(), activated, handedOver('a'), codeRefused('a')).when(handOver('a')).thenRefused('CONSUMED');
  });
  it('is refused with a used code also after the end', () =>
    given(minted(), handedOver('a'), failed).when(handOver('a')).then(codeRefused('a')));
  it('leaves room for the record that the link itself was opened again', () =>
    given(...used, handedOver('a'), codeRefused('a'))
      .when({ type: 'ActivateSession', now: later })
      .then(useRefused('')));
  it('does not go on for ever', () =>
    given(minted(), ...tenTimes)
      .when(handOver('k'))
      .thenRefused('INVALID_STATE'));
  it('is too late after the end', () => given(minted(), failed).when(handOver('a')).thenRefused('GONE'));
  it('is too late after its time', () =>
    given(minted())
      .when({ ...handOver('a'), now: tooLate })
      .thenRefused('EXPIRED'));
});

describe('expiry', () => {
  it('comes at its time', () => given(minted()).when(expire(tooLate)).then(expired));
  it('does not come before', () => given(minted()).when(expire('2026-01-01T12:14:59.999Z')).thenNothing());
  it('comes once', () => given(minted(), expired).when(expire(tooLate)).thenNothing());
  it('lets a claim in flight finish', () => {
    given(...used)
      .when(expire(tooLate))
      .thenNothing();
    given(minted(), activated, started('a'), claimed('a')).when(expire(tooLate)).thenNothing();
  });
});
