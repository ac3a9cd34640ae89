import { describe, it } from '@jest/globals';
import type { ConnectionCommand, ConnectionEvent, Delivery, WebhookEffect } from '#contracts/connection.js';
import { specification } from '#testing/given.js';
import { connection } from './connection.decider.js';

const given = specification(connection);
const now = '2026-01-01T12:00:00.000Z';
const facts = {
  id: 'c-1',
  short_id: 'abcdefgh',
  project_id: 'prj_1',
  environment: 'live' as const,
  user_id: 'user-1',
  session_id: 'session-1',
  provider: 'plaid' as const,
  provider_item_id: 'item-1',
  institution_id: 'ins_1',
  institution_name: 'First Platypus Bank',
  accounts_fingerprint: 'print',
};
const record: ConnectionCommand = { type: 'RecordLink', ...facts, now };
const linked: ConnectionEvent = { type: 'ConnectionLinked', ...facts, at: now };
const delivery: Delivery = {
  delivery_id: 'd-1',
  kind: 'ITEM:ERROR',
  code: 'ITEM_LOGIN_REQUIRED',
  size: 10,
  sha256: 'x',
};
const webhook = (effect: WebhookEffect, id = 'd-1'): ConnectionCommand => ({
  type: 'ReceiveWebhook',
  delivery: { ...delivery, delivery_id: id },
  effect,
  now,
});
const received = (id = 'd-1'): ConnectionEvent => ({ type: 'WebhookReceived', ...delivery, delivery_id: id, at: now });
const reauth: ConnectionEvent = {
  type: 'ConnectionReauthRequired',
  code: 'ITEM_LOGIN_REQUIRED',
  message: 'The bank asks for a new sign-in.',
  at: now,
};
const relink: ConnectionCommand = { type: 'RecordRelink', session_id: 'session-2', outcome: 'repaired', now };
const relinked: ConnectionEvent = { type: 'ConnectionRelinked', session_id: 'session-2', outcome: 'repaired', at: now };
const disconnect: ConnectionCommand = { type: 'Disconnect', reason: 'requested', now };
const disconnected: ConnectionEvent = { type: 'ConnectionDisconnected', reason: 'requested', at: now };
const access: ConnectionCommand = { type: 'AccessCredential', purpose: 'relink', now };

describe('a connection', () => {
  it('is recorded once for the session that made it', () => {
    given().when(record).then(linked);
    given(linked).when(record).thenNothing();
  });
  it('does not take an id that belongs to another', () =>
    given(linked)
      .when({ ...record, session_id: 'session-9' })
      .thenRefused('ID_TAKEN'));
  it('does not give its id to a place that stores a credential', () => {
    const { id, short_id, project_id, environment, user_id } = facts;
    const place = { id, short_id, project_id, environment, user_id, server_id: 'asaas' };
    const terms = { auth_type: 'api_key' as const, credential_version: 1, cert_metadata: {} };
    const store = { type: 'StoreCredential' as const, ...place, ...terms, now };
    given(linked).when(store).thenRefused('ID_TAKEN');
    given(linked)
      .when({ ...store, server_id: 'plaid' })
      .thenRefused('NOT_API_KEY_SERVER');
  });
  it('is unknown before', () => given().when(disconnect).thenRefused('NOT_FOUND'));
});

describe('a delivery of the provider', () => {
  it('makes a new sign-in necessary', () => given(linked).when(webhook('login_required')).then(received(), reauth));
  it('is taken in once', () => given(linked, received(), reauth).when(webhook('login_required')).thenNothing());
  it('says it once, however many deliveries say so', () =>
    given(linked, received(), reauth).when(webhook('login_required', 'd-2')).then(received('d-2')));
  it('repairs what needed a sign-in', () =>
    given(linked, reauth)
      .when(webhook('login_repaired', 'd-2'))
      .then(received('d-2'), { type: 'ConnectionRepaired', at: now }));
  it('repairs nothing that is well', () => given(linked).when(webhook('login_repaired')).then(received()));
  it('that has no effect here is only recorded', () => given(linked).when(webhook('none')).then(received()));
  it('is refused once disconnected', () =>
    given(linked, disconnected).when(webhook('none')).thenRefused('CONNECTION_DISCONNECTED'));
});

describe("a provider's error", () => {
  const locked = { ...delivery, delivery_id: 'd-2', code: 'ITEM_LOCKED' };
  const command: ConnectionCommand = { type: 'ReceiveWebhook', delivery: locked, effect: 'provider_error', now };
  const noted: ConnectionEvent = { type: 'WebhookReceived', ...locked, at: now };
  const reported: ConnectionEvent = {
    type: 'ProviderErrorReported',
    code: 'ITEM_LOCKED',
    message: 'The provider reports an error.',
    at: now,
  };
  const down: ConnectionEvent = { ...reported, code: 'INSTITUTION_DOWN' };

  it('is reported', () => given(linked).when(command).then(noted, reported));
  it('is reported once', () => given(linked, reported).when(command).then(noted));
  it('is reported when it is another one', () => given(linked, down).when(command).then(noted, reported));
  it('is reported again after a relink', () => given(linked, reported, relinked).when(command).then(noted, reported));
  it('does not hide that a new sign-in is needed', () => given(linked, reauth).when(command).then(noted));
  it('gives way to a new sign-in', () =>
    given(linked, reported).when(webhook('login_required')).then(received(), reauth));
  it('is over when the provider says that the sign-in works', () =>
    given(linked, reported).when(webhook('login_repaired')).then(received(), { type: 'ConnectionRepaired', at: now }));
  it('is refused once disconnected', () =>
    given(linked, disconnected).when(command).thenRefused('CONNECTION_DISCONNECTED'));
});

describe('a relink', () => {
  it('makes the connection well again', () => given(linked, reauth).when(relink).then(relinked));
  it('tells the accounts that it has shown', () =>
    given(linked)
      .when({ ...relink, accounts_fingerprint: 'print' })
      .then({ ...relinked, accounts_fingerprint: 'print' }));
  it('is recorded once per session', () => given(linked, reauth, relinked).when(relink).thenNothing());
  it('does not recover a disconnected one', () =>
    given(linked, disconnected).when(relink).thenRefused('CONNECTION_DISCONNECTED'));
});

describe('a credential', () => {
  it('leaves a trace each time it is opened', () =>
    given(linked).when(access).then({ type: 'CredentialAccessed', purpose: 'relink', at: now }));
  it('opens for nobody once disconnected', () =>
    given(linked, disconnected).when(access).thenRefused('CONNECTION_DISCONNECTED'));
});

describe('disconnecting', () => {
  it('ends the connection', () => given(linked).when(disconnect).then(disconnected));
  it('ends it once', () => given(linked, disconnected).when(disconnect).thenNothing());
});
