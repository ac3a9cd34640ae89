import { describe, it } from '@jest/globals';
import type { ConnectionCommand, ConnectionEvent } from '#contracts/connection.js';
import { specification } from '#testing/given.js';
import { connection } from './connection.decider.js';

const given = specification(connection);
const now = '2026-01-01T12:00:00.000Z';
const later = '2026-01-01T12:01:00.000Z';
const facts = {
  id: 'c-1',
  short_id: 'abcdefgh',
  project_id: 'prj_1',
  environment: 'live' as const,
  server_id: 'asaas',
  auth_type: 'api_key' as const,
  user_id: null,
  cert_metadata: {},
};
const store = (credential_version: number, terms = {}): ConnectionCommand => ({
  ...{ type: 'StoreCredential', ...facts, credential_version, ...terms, now },
});
const created: ConnectionEvent = {
  ...{ type: 'ConnectionCreated', ...facts, credential_version: 1, at: now },
  ...{ display_name: null, connection_metadata: { a: 1, b: 2 } },
};
const rotated = (credential_version: number, sent = {}): ConnectionEvent => ({
  ...{ type: 'CredentialRotated', credential_version, cert_metadata: {}, ...sent, at: now },
});
const refresh = (from_version: number, credential_version: number): ConnectionCommand => ({
  ...{ type: 'RecordRefresh', from_version, credential_version, token_refresh_at: later, now },
});
const refreshed = (credential_version: number): ConnectionEvent => ({
  ...{ type: 'CredentialRefreshed', credential_version, token_refresh_at: later, at: now },
});
const expire = (version: number): ConnectionCommand => ({ type: 'Expire', version, now });
const dead: ConnectionEvent = {
  ...{ type: 'ConnectionExpired', code: 'REFRESH_TOKEN_DEAD', at: now },
  message: 'The provider no longer renews the permission; a new Connect Link is needed.',
};
const revoked: ConnectionEvent = { type: 'ConnectionDisconnected', reason: 'requested', at: now };
const deleted: ConnectionEvent = { type: 'ConnectionDeleted', at: now };
const expired: ConnectionEvent = { type: 'ConnectionReauthRequired', code: 'x', message: '', at: now };
const merge = (changes: Record<string, unknown>): ConnectionCommand => ({ type: 'MergeMetadata', changes, now });
const setSecret = (version: number, from_version: number | null, grace_seconds = 0): ConnectionCommand => ({
  ...{ type: 'SetWebhookSecret', version, from_version, grace_seconds, now },
});
const secretSet = (version: number, previous: number | null = null): ConnectionEvent => ({
  ...{ type: 'WebhookSecretSet', version, previous, previous_until: previous === null ? null : later, at: now },
});
const changed = (connection_metadata: Record<string, unknown>): ConnectionEvent => ({
  ...{ type: 'MetadataChanged', connection_metadata, at: now },
});

describe('storing a credential', () => {
  it('creates the connection that is not there', () =>
    given()
      .when(store(1, { connection_metadata: { a: 1, b: 2 } }))
      .then(created));
  it('replaces that of a live one', () => given(created).when(store(2)).then(rotated(2)));
  it('changes only the terms that were sent', () =>
    given(created)
      .when(store(3, { display_name: 'Main' }))
      .then(rotated(3, { display_name: 'Main' })));
  it.each([{ project_id: 'prj_2' }, { environment: 'test' as const }, { server_id: 'stripe' }, { user_id: 'u' }])(
    'leaves alone one that meets it in its id, but stands elsewhere: %j',
    (elsewhere) => {
      given(created).when(store(2, elsewhere)).thenRefused('ID_TAKEN');
      given(created, expired).when(store(2, elsewhere)).thenRefused('ID_TAKEN');
      given(created, revoked).when(store(2, elsewhere)).thenRefused('CONNECTION_DISCONNECTED');
    },
  );
  it('does not bring back a version that another has overtaken', () => {
    given(created, rotated(3)).when(store(2)).thenRefused('CONFLICT');
    given(created, rotated(3)).when(store(3)).thenRefused('CONFLICT');
  });
  it.each([revoked, deleted, expired])('does not revive what is over: $type', (end) =>
    given(created, end).when(store(2)).thenRefused('CONNECTION_DISCONNECTED'),
  );
});

describe('a refresh of tokens', () => {
  it('makes the version that it has stored the live one', () => given(created).when(refresh(1, 2)).then(refreshed(2)));
  it('follows a refresh', () => given(created, refreshed(2)).when(refresh(2, 3)).then(refreshed(3)));
  it('does not overtake a credential that was set or refreshed meanwhile', () => {
    given(created, rotated(2)).when(refresh(1, 3)).thenRefused('CONFLICT');
    given(created, refreshed(2)).when(refresh(1, 3)).thenRefused('CONFLICT');
  });
  it('lets no rotation fall back behind it', () => {
    given(created, refreshed(3)).when(store(2)).thenRefused('CONFLICT');
    given(created, refreshed(3)).when(store(4)).then(rotated(4));
  });
  it.each([dead, expired, revoked])('revives nothing: $type', (end) =>
    given(created, end).when(refresh(1, 2)).thenRefused('CONNECTION_DISCONNECTED'),
  );
  it('finds nothing before and after', () => {
    given().when(refresh(1, 2)).thenRefused('NOT_FOUND');
    given(created, deleted).when(refresh(1, 2)).thenRefused('NOT_FOUND');
  });
});

describe('expiring', () => {
  it('says why, and what is needed', () => given(created).when(expire(1)).then(dead));
  it('says it once', () => {
    given(created, dead).when(expire(1)).thenNothing();
    given(created, expired).when(expire(1)).thenNothing();
  });
  it('leaves a credential alone that was set or refreshed meanwhile', () => {
    given(created, rotated(2)).when(expire(1)).thenNothing();
    given(created, refreshed(2)).when(expire(1)).thenNothing();
  });
  it('ends only what lives', () => {
    given(created, revoked).when(expire(1)).thenRefused('CONNECTION_DISCONNECTED');
    given(created, deleted).when(expire(1)).thenRefused('NOT_FOUND');
  });
  it('leaves a connection that is revoked and deleted like any other', () => {
    given(created, dead).when({ type: 'Disconnect', reason: 'requested', now }).then(revoked);
    given(created, dead).when({ type: 'Delete', now }).then(deleted);
  });
});

describe('metadata', () => {
  it('is merged key by key', () =>
    given(created)
      .when(merge({ b: null, c: 3 }))
      .then(changed({ a: 1, c: 3 })));
  it('says nothing when it stays the same', () =>
    given(created)
      .when(merge({ a: 1 }))
      .thenNothing());
  it('is merged into what the last rotation left', () =>
    given(created, rotated(2, { connection_metadata: { z: 0 } }))
      .when(merge({ c: 3 }))
      .then(changed({ z: 0, c: 3 })));
  it('keeps the caps over all that was merged before', () => {
    const many = Object.fromEntries(Array.from({ length: 63 }, (_, n) => [`k${n}`, n]));
    given(created).when(merge(many)).thenRefused('VALIDATION_ERROR');
  });
  it('cannot be changed once it is over', () =>
    given(created, revoked)
      .when(merge({ c: 3 }))
      .thenRefused('CONNECTION_DISCONNECTED'));
});

describe('a webhook secret', () => {
  it('has no grace when there was none before', () =>
    given(created)
      .when(setSecret(1, null, 60))
      .then(secretSet(1)));
  it('leaves the one before a grace', () =>
    given(created, secretSet(1))
      .when(setSecret(2, 1, 60))
      .then(secretSet(2, 1)));
  it('ends the one before at once without a grace', () =>
    given(created, secretSet(1)).when(setSecret(2, 1)).then(secretSet(2)));
  it('that is in force already ends no grace', () =>
    given(created, secretSet(1), secretSet(2, 1))
      .when(setSecret(2, 2, 60))
      .thenNothing());
  it('does not fall back behind a newer one', () =>
    given(created, secretSet(2)).when(setSecret(1, 2)).thenRefused('CONFLICT'));
  it('does not replace one that it was not compared with', () => {
    given(created, secretSet(1), secretSet(2, 1))
      .when(setSecret(3, 1, 60))
      .thenRefused('CONFLICT');
    given(created, secretSet(1)).when(setSecret(2, null)).thenRefused('CONFLICT');
  });
  it('is not taken once it is over', () =>
    given(created, revoked).when(setSecret(1, null)).thenRefused('CONNECTION_DISCONNECTED'));
});

describe('deleting', () => {
  const forget: ConnectionCommand = { type: 'Delete', now };
  it('forgets a live and an ended one', () => {
    given(created).when(forget).then(deleted);
    given(created, revoked).when(forget).then(deleted);
  });
  it('finds nothing the second time', () => given(created, deleted).when(forget).thenRefused('NOT_FOUND'));
  it('leaves nothing to change or open', () => {
    for (const command of [
      merge({}),
      setSecret(1, null),
      { type: 'AccessCredential', purpose: 'relink', now } as const,
    ])
      given(created, deleted).when(command).thenRefused('NOT_FOUND');
  });
});
