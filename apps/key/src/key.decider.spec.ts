import { describe, it } from '@jest/globals';
import type { KeyEvent, KeyTerms } from '#contracts/key.js';
import { newHouseholdKey, keyIdentity } from '#contracts/secrets.js';
import { specification } from '#testing/given.js';
import { apiKey } from './key.decider.js';

const given = specification(apiKey);

describe('an API key', () => {
  it('is created with the terms it was asked for', () =>
    given().when({ type: 'CreateKey', terms, now: noon }).then(created));

  it('is created once, however often the same wish arrives', () =>
    given(created).when({ type: 'CreateKey', terms, now: later }).thenNothing());

  it('does not come back to life when its creation is repeated after it was revoked', () =>
    given(created, revoked).when({ type: 'CreateKey', terms, now: later }).thenNothing());

  it('refuses an id that another key has', () =>
    given(created)
      .when({ type: 'CreateKey', terms: { ...terms, key_hash: 'b'.repeat(64) }, now: later })
      .thenRefused('ID_TAKEN'));

  it('dies when it is revoked', () => given(created).when({ type: 'RevokeKey', now: later }).then(revoked));

  it('dies once', () => given(created, revoked).when({ type: 'RevokeKey', now: later }).thenNothing());

  it('cannot be revoked when there is none', () =>
    given().when({ type: 'RevokeKey', now: later }).thenRefused('NOT_FOUND'));
});

const noon = '2026-01-01T12:00:00.000Z';
const later = '2026-01-01T13:00:00.000Z';
const terms: KeyTerms = {
  ...keyIdentity(newHouseholdKey()),
  project_id: 'prj_default000000000',
  environment: 'live',
  kind: 'household',
  name: 'agent',
  scopes: ['full_access'],
  actor_name: null,
  created_by: 'operator',
  expires_at: null,
};
const created: KeyEvent = { type: 'KeyCreated', ...terms, at: noon };
const revoked: KeyEvent = { type: 'KeyRevoked', at: later };
