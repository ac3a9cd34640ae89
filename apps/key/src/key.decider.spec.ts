import { describe, it } from '@jest/globals';
import type { KeyCommand, KeyEvent, KeyTerms } from '#contracts/key.js';
import { keyIdentity, newHouseholdKey } from '#contracts/secrets.js';
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

  it('is live when it is of the household; the platform has others for test', () => {
    const platform: KeyTerms = { ...ofTest, kind: 'platform', scopes: ['servers:read'] };
    given().when({ type: 'CreateKey', terms: ofTest, now: noon }).thenRefused('FORBIDDEN');
    given()
      .when({ type: 'CreateKey', terms: platform, now: noon })
      .then({ type: 'KeyCreated', ...platform, at: noon });
  });

  it('is nothing that can be changed before it was created', () => {
    given().when({ type: 'RenameKey', name: 'x', now: later }).thenRefused('NOT_FOUND');
    given().when(rotate(0)).thenRefused('NOT_FOUND');
    given().when({ type: 'RevokeKey', now: later }).thenRefused('NOT_FOUND');
  });
});

describe('renaming a key', () => {
  it('gives it the new name', () =>
    given(created).when({ type: 'RenameKey', name: 'kitchen', now: later }).then(renamed));

  it('to the name it has changes nothing', () => {
    given(created).when({ type: 'RenameKey', name: 'agent', now: later }).thenNothing();
    given(created, renamed).when({ type: 'RenameKey', name: 'kitchen', now: later }).thenNothing();
  });

  it('is possible when it is dead: its story can still be told apart', () =>
    given(created, revoked).when({ type: 'RenameKey', name: 'kitchen', now: later }).then(renamed));
});

describe('rotating a key', () => {
  it('names a successor with the same terms, and lets the old one live for the grace', () =>
    given(created).when(rotate(60)).then(rotated('2026-01-01T13:01:00.000Z')));

  it('hands on the name and the addresses it has by then', () => {
    const bound: KeyEvent = { ...created, allowed_ips: ['10.0.0.0/8'] };
    const handedOn = { ...successorTerms, name: 'kitchen', allowed_ips: ['10.0.0.0/8'] };
    given(bound, renamed)
      .when(rotate(60))
      .then({ ...rotated('2026-01-01T13:01:00.000Z'), successor: handedOn });
  });

  it('without a grace ends the old one in the same breath', () =>
    given(created).when(rotate(0)).then(rotated(later), { type: 'KeyRevoked', at: later }));

  it('lets the old one live no longer than its own expiry, which the new one inherits', () => {
    const expires_at = '2026-01-01T13:00:30.000Z';
    given({ ...created, expires_at })
      .when(rotate(60))
      .then({ ...rotated(expires_at), successor: { ...successorTerms, expires_at } });
  });

  it('happens once, however often the same wish arrives', () => {
    given(created, rotated(later)).when(rotate(60)).thenNothing();
    given(created, rotated(later), revoked).when(rotate(60)).thenNothing();
  });

  it('is refused when it has a successor already', () =>
    given(created, rotated(later))
      .when({ ...rotate(60), successor: keyIdentity(newHouseholdKey()) })
      .thenRefused('INVALID_STATE'));

  it('is refused when it is revoked', () => given(created, revoked).when(rotate(60)).thenRefused('INVALID_STATE'));

  it('is refused to a household key that was made for test once', () =>
    given({ type: 'KeyCreated', ...ofTest, at: noon })
      .when(rotate(60))
      .thenRefused('FORBIDDEN'));

  it('is refused from the moment it expires', () =>
    given({ ...created, expires_at: later })
      .when(rotate(60))
      .thenRefused('INVALID_STATE'));
});

describe('revoking a key', () => {
  it('ends it', () => given(created).when({ type: 'RevokeKey', now: later }).then(revoked));

  it('ends it once', () => given(created, revoked).when({ type: 'RevokeKey', now: later }).thenNothing());

  it('ends its grace early', () =>
    given(created, rotated('2026-01-02T00:00:00.000Z')).when({ type: 'RevokeKey', now: later }).then(revoked));

  it('after its grace says when that was over, and when it was written', () => {
    const ended: KeyEvent = { type: 'KeyRevoked', since: noon, at: later };
    given(created, rotated(noon)).when({ type: 'RevokeKey', now: later }).then(ended);
  });
});

describe('refused uses of a key', () => {
  it('are told at the time of the telling, however long ago they were', () => {
    const uses = { reason: 'revoked' as const, count: 3, first_at: noon, last_at: noon };
    given(created, revoked)
      .when({ type: 'NoteRefusals', ...uses, now: later })
      .then({ type: 'KeyRefused', ...uses, at: later });
  });
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
const ofTest: KeyTerms = { ...terms, environment: 'test' };
const created: KeyEvent & { type: 'KeyCreated' } = { type: 'KeyCreated', ...terms, at: noon };
const renamed: KeyEvent = { type: 'KeyRenamed', name: 'kitchen', at: later };
const revoked: KeyEvent = { type: 'KeyRevoked', at: later };

const successor = keyIdentity(newHouseholdKey());
const successorTerms: KeyTerms = { ...terms, ...successor, created_by: 'Ada' };
const rotate = (grace_seconds: number): KeyCommand & { type: 'RotateKey' } => ({
  type: 'RotateKey',
  successor,
  created_by: 'Ada',
  grace_seconds,
  now: later,
});
const rotated = (retires_at: string): KeyEvent & { type: 'KeyRotated' } => ({
  type: 'KeyRotated',
  successor: successorTerms,
  retires_at,
  at: later,
});
