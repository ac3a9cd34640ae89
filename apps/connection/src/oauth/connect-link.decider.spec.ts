import { describe, it } from '@jest/globals';
import type { ConnectLinkEvent } from '#contracts/connect-link.js';
import { specification } from '#testing/given.js';
import { connectLink } from './connect-link.decider.js';

const given = specification(connectLink);
const now = '2026-01-01T12:00:00.000Z';
const terms = {
  ...{ project_id: 'prj_1', environment: 'live' as const, id: 'l-1', short_id: 'abcdefgh' },
  ...{ server_id: 'mercadopago', user_id: 'customer 42', redirect_uri: 'https://app.example/done' },
  expires_at: '2026-01-01T12:10:00.000Z',
};
const start = { type: 'StartConnectLink' as const, ...terms, now };
const connect = { type: 'RecordConnection' as const, connection_id: 'c-1', now };
const deny = { type: 'RecordDenial' as const, now };
const fail = (error = 'code_expired') => ({ type: 'RecordFailure' as const, error, now });
const expire = { type: 'ExpireConnectLink' as const, now };
const refuse = { type: 'RefuseUse' as const, now };

const started: ConnectLinkEvent = { type: 'ConnectLinkStarted', ...terms, at: now };
const connected: ConnectLinkEvent = { type: 'ConnectLinkConnected', connection_id: 'c-1', at: now };
const denied: ConnectLinkEvent = { type: 'ConnectLinkDenied', at: now };
const failed: ConnectLinkEvent = { type: 'ConnectLinkFailed', error: 'code_expired', at: now };
const expired: ConnectLinkEvent = { type: 'ConnectLinkExpired', at: now };
const useRefused: ConnectLinkEvent = { type: 'ConnectLinkUseRefused', at: now };

describe('the record of a Connect Link', () => {
  it('begins with its start', () => given().when(start).then(started));
  it('is never that of another one', () => given(started).when(start).thenRefused('ID_TAKEN'));

  it.each([
    ['a connection', connect, connected],
    ['a denial', deny, denied],
    ['an error', fail(), failed],
    ['an expiry', expire, expired],
  ])('ends with %s, once', (_, command, event) => {
    given(started).when(command).then(event);
    given(started, event).when(command).thenNothing();
  });

  it.each([connected, denied, failed, expired])('that has ended with $type has no other end', (end) => {
    for (const command of [deny, fail('provider_rejected'), expire]) given(started, end).when(command).thenNothing();
  });

  it.each([denied, failed, expired])('says after $type that a connection was made all the same', (end) =>
    given(started, end).when(connect).then(connected),
  );

  it('does not exist for a link whose start is not recorded', () => {
    for (const command of [connect, deny, fail(), expire, refuse]) given().when(command).thenNothing();
  });
});

describe('a further use of a Connect Link', () => {
  it('is recorded while the first one is under way, and after any end', () => {
    given(started).when(refuse).then(useRefused);
    for (const end of [connected, denied, failed, expired]) given(started, end).when(refuse).then(useRefused);
  });
  it('changes nothing', () => given(started, useRefused).when(connect).then(connected));
  it('is recorded ten times at most', () => {
    const nine = Array<ConnectLinkEvent>(9).fill(useRefused);
    given(started, ...nine)
      .when(refuse)
      .then(useRefused);
    given(started, ...nine, useRefused)
      .when(refuse)
      .thenNothing();
  });
});
