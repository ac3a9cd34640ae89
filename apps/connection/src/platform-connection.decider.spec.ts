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
const revoked: ConnectionEvent = { type: 'ConnectionDisconnected', reason: 'requested', at: now };
const deleted: ConnectionEvent = { type: 'ConnectionDeleted', at: now };
const expired: ConnectionEvent = { type: 'ConnectionReauthRequired', code: 'x', message: '', at: now };
const merge = (changes: Record<string, unknown>): ConnectionCommand => ({ type: 'MergeMetadata', changes, now });
const setSecret = (version: number, grace_seconds = 0): ConnectionCommand => ({
  ...{ type: 'SetWebhookSecret', version, grace_seconds, now },
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
  it('does not bring back a version that another has overtaken', () => {
    given(created, rotated(3)).when(store(2)).thenRefused('CONFLICT');
    given(created, rotated(3)).when(store(3)).thenRefused('CONFLICT');
  });
  it.each([revoked, deleted, expired])('does not revive what is over: $type', (end) =>
    given(created, end).when(store(2)).thenRefused('CONNECTION_DISCONNECTED'),
  );
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
  it('has no grace when there was none before', () => given(created).when(setSecret(1, 60)).then(secretSet(1)));
  it('leaves the one before a grace', () => given(created, secretSet(1)).when(setSecret(2, 60)).then(secretSet(2, 1)));
  it('ends the one before at once without a grace', () =>
    given(created, secretSet(1)).when(setSecret(2)).then(secretSet(2)));
  it('does not fall back behind a newer one', () =>
    given(created, secretSet(2)).when(setSecret(1)).thenRefused('CONFLICT'));
  it('is not taken once it is over', () =>
    given(created, revoked).when(setSecret(1)).thenRefused('CONNECTION_DISCONNECTED'));
});

describe('deleting', () => {
  const forget: ConnectionCommand = { type: 'Delete', now };
  it('forgets a live and an ended one', () => {
    given(created).when(forget).then(deleted);
    given(created, revoked).when(forget).then(deleted);
  });
  it('finds nothing the second time', () => given(created, deleted).when(forget).thenRefused('NOT_FOUND'));
  it('leaves nothing to change or open', () => {
    for (const command of [merge({}), setSecret(1), { type: 'AccessCredential', purpose: 'relink', now } as const])
      given(created, deleted).when(command).thenRefused('NOT_FOUND');
  });
});
