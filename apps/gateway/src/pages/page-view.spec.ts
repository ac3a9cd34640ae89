import { describe, expect, it } from '@jest/globals';
import type { SessionPage, SessionView } from '#contracts/link-session.js';
import { newLink } from '../../../../test/page-app.js';
import { endNamed, endOf, forGuest, stepOf, viewOf, type Wish } from './page-view.js';

const page = (session: Partial<SessionView> = {}, rest: Partial<SessionPage> = {}) => newLink(session, rest).page;
const view = (session: Partial<SessionView> = {}, wish: Wish = {}, rest: Partial<SessionPage> = {}) =>
  viewOf(page(session, rest), wish, Date.now());

const refused: Partial<SessionView> = { status: 'active', last_refusal: { code: 'ITEM_LOCKED', message: 'locked' } };
const oneBank: Partial<SessionView> = { status: 'active', result_connection_ids: ['c1'] };

describe('what the page of a session shows', () => {
  it('is a choice of the offered providers before anything was done', () => {
    expect(view()).toMatchObject({ kind: 'offer', providers: ['plaid', 'teller'], banks: 0, relink: false });
    expect(view({ status: 'active' })).toMatchObject({ kind: 'offer' });
  });

  it('is one provider when the session is pinned to it, and none when that one is not set up', () => {
    expect(view({ provider: 'teller' })).toMatchObject({ providers: ['teller'] });
    expect(view({ provider: 'teller' }, {}, { providers: ['plaid'] })).toMatchObject({ providers: [] });
  });

  it('is not looked at again at once when the service’s clock, which decides, is behind ours', () => {
    const ahead = (ms: number) => view({ status: 'active', expires_at: new Date(Date.now() - ms).toISOString() });
    expect([ahead(0), ahead(3_600_000)]).toMatchObject([{ secondsLeft: 30 }, { secondsLeft: 30 }]);
    expect(ahead(-1_500)).toMatchObject({ kind: 'offer', secondsLeft: 2 });
  });

  it('is the reason after a refusal, with the provider that was tried', () => {
    expect(view(refused, { tried: 'teller' })).toMatchObject({
      kind: 'refused',
      reason: 'refusedLocked',
      tried: 'teller',
    });
    expect(view(refused)).toMatchObject({ kind: 'refused', tried: null });
    expect(view({ ...refused, provider: 'plaid' })).toMatchObject({ kind: 'refused', tried: 'plaid' });
    expect(view(refused, { tried: '__proto__' })).toMatchObject({ kind: 'refused', tried: null });
  });

  it('is the choice again when the person asks for it', () => {
    expect(view(refused, { pick: '1' })).toMatchObject({ kind: 'offer' });
    expect(view(oneBank, { pick: '1' })).toMatchObject({ kind: 'offer', banks: 1 });
  });

  it.each([
    ['different_account', 'refusedOtherAccount', 'DIFFERENT_ACCOUNT'],
    ['constructor', 'refusedOther', 'CONSTRUCTOR'],
    ['<b>', 'refusedOther', null],
  ])('says the code %s in plain words', (code, reason, shown) => {
    expect(view({ status: 'active', last_refusal: { code, message: '' } })).toMatchObject({ reason, code: shown });
  });

  it('offers more once a bank is connected', () => {
    expect(view(oneBank)).toMatchObject({ kind: 'more', banks: 1 });
  });

  it('is progress while an attempt is in flight, also where the session stays active', () => {
    expect(view({ status: 'consumed' })).toEqual({ kind: 'progress' });
    expect(view({ ...oneBank, in_flight: ['a1'] })).toEqual({ kind: 'progress' });
  });

  it('is the good end, with the host of the app when there is one to go back to', () => {
    const done: Partial<SessionView> = { status: 'completed', result_connection_ids: ['c1'] };
    expect(view(done)).toMatchObject({ kind: 'done', banks: 1, leavesTo: null });
    expect(view({ ...done, redirect_url: 'https://app.example/x' })).toMatchObject({ leavesTo: 'app.example' });
  });

  it.each<[string, string | null]>([
    ['GIVEN_UP', 'app.example'],
    ['CANCELLED', null],
    ['TOO_MANY_ATTEMPTS', null],
  ])('leads back to the app after %s: %s', (error_code, leavesTo) => {
    const failed = { status: 'failed', error_code, redirect_url: 'https://app.example/x' } as const;
    expect(view(failed)).toMatchObject({ kind: 'ended', status: 410, leavesTo });
  });
});

describe('what the page shows at a second device', () => {
  it('is not the way back to the app, which is at the first', () => {
    const done = view({ status: 'completed', redirect_url: 'https://app.example/x' });
    expect(forGuest(done)).toMatchObject({ kind: 'done', leavesTo: null, guest: true });
    const gaveUp = view({ status: 'failed', error_code: 'GIVEN_UP', redirect_url: 'https://app.example/x' });
    expect(forGuest(gaveUp)).toMatchObject({ kind: 'ended', leavesTo: null });
  });

  it('is said at the first one, and not at itself', () => {
    expect(view()).toMatchObject({ elsewhere: null });
    expect(view({}, {}, { hand_overs: 1 })).toMatchObject({ elsewhere: 'handedOver' });
    const trying = view({}, {}, { hand_overs: 1, is_trying: true });
    expect(trying).toMatchObject({ elsewhere: 'tryingElsewhere' });
    expect(forGuest(trying)).toMatchObject({ elsewhere: null });
  });
});

describe('the page of a link that is over', () => {
  it.each<[Partial<SessionView>, string]>([
    [{ status: 'expired' }, 'expiredText'],
    [{ status: 'expired', result_connection_ids: ['c1'] }, 'expiredConnectedText'],
    [{ status: 'completed' }, 'usedText'],
    [{ status: 'failed', error_code: 'GIVEN_UP' }, 'gaveUpText'],
    [{ status: 'failed', error_code: 'TOO_MANY_ATTEMPTS' }, 'tooManyText'],
    [{ status: 'failed', error_code: 'CANCELLED' }, 'cancelledText'],
    [{ status: 'failed', error_code: 'CONNECTION_DISCONNECTED' }, 'goneText'],
    [{ status: 'failed', error_code: 'CREDENTIAL_LOST' }, 'goneText'],
    [{ status: 'failed', error_code: 'USER_DELETED' }, 'goneText'],
    [{ status: 'failed', error_code: 'constructor' }, 'invalidText'],
  ])('of %j says %s, also by its name alone', (session, text) => {
    const end = endOf(page(session).session);
    expect(end).toMatchObject({ status: 410, text });
    expect(endNamed(end.over)).toMatchObject({ status: 410, text, heading: end.heading });
  });

  it('has no other names', () => expect([endNamed('constructor'), endNamed('')]).toEqual([null, null]));
});

describe('a provider’s step', () => {
  it('exists for the providers offered while the session waits', () => {
    expect(stepOf(page(), 'plaid', Date.now())).toMatchObject({ kind: 'step', provider: 'plaid' });
    expect(stepOf(page({ provider: 'teller' }), 'plaid', Date.now())).toBeNull();
    expect(stepOf(page({ status: 'consumed' }), 'plaid', Date.now())).toBeNull();
    expect(stepOf(page({ ...oneBank, in_flight: ['a1'] }), 'plaid', Date.now())).toBeNull();
  });
});
