import { describe, expect, it } from '@jest/globals';
import { idOf } from '#contracts/ids.js';
import type { KeyTerms } from '#contracts/key.js';
import type { SessionEvent } from '#contracts/link-session.js';
import type { Recorded } from '#eventstore/recorded.js';
import { type AuditedEvent, summaries, summaryOf } from './summaries.js';
import { entryOf, subjectOf } from './entry.js';
import { shownEntry } from './shown-entry.js';

const noon = '2026-01-01T12:00:00.000Z';
const tenant = { project_id: 'prj_default000000000', environment: 'live' } as const;
const id = idOf('link_session', 'abcdefgh');

const minted: SessionEvent = {
  type: 'SessionMinted',
  ...tenant,
  id,
  short_id: 'abcdefgh',
  token_hash: 'f'.repeat(64),
  user_id: idOf('user', 'userAAAA'),
  provider: 'plaid',
  action: 'link',
  connection_id: null,
  single_use: true,
  redirect_url: 'https://app.example/done?secret=1#state=2',
  label: 'kitchen',
  expires_at: '2026-01-01T12:15:00.000Z',
  at: noon,
};

const recorded = (event: { type: string }): Recorded => ({
  id: '6f9619ff-8b86-5011-b42d-00c04fc964ff',
  stream: `link_session-${id}`,
  revision: 0n,
  event,
  metadata: {
    ...tenant,
    actor: { type: 'api_key', id: 'key-1', name: 'agent' },
    request_id: 'req-1',
    correlation_id: 'req-1',
    causation_id: 'cmd-1',
    address: '192.0.2.1',
    key_prefix: 'bb_12345678',
  },
  created: new Date(noon),
  commit: 12345678901234567n,
  prepare: 12345678901234567n,
});

describe('an entry of the timeline', () => {
  const row = entryOf(recorded(minted), subjectOf(recorded(minted)));
  const entry = shownEntry(row);

  it('says what happened, to what, by whom, from where, with which request', () => {
    expect(entry).toMatchObject({
      position: '12345678901234567',
      at: noon,
      type: 'SessionMinted',
      subject: { kind: 'link_session', id, short_id: 'abcdefgh' },
      label: 'kitchen',
      actor: { type: 'api_key', id: 'key-1', name: 'agent' },
      request_id: 'req-1',
      origin: { address: '192.0.2.1', key_prefix: 'bb_12345678', correlation_id: 'req-1', causation_id: 'cmd-1' },
      summary: 'A one-time link to connect a bank through Plaid was made, valid until 2026-01-01T12:15:00.000Z.',
      ...tenant,
    });
  });

  it('leaves out hashes of secrets and what a redirect URL carries', () => {
    expect(entry.data).not.toHaveProperty('token_hash');
    expect(entry.data).toMatchObject({ redirect_url: 'https://app.example/done', user_id: minted.user_id });
    expect(JSON.stringify(entry)).not.toContain('secret=1');
    const started = recorded({ type: 'ConnectLinkStarted', ...examples.ConnectLinkStarted });
    expect(entryOf(started, subjectOf(started)).data).toMatchObject({ redirect_uri: 'https://app.example/done' });
  });

  it('leaves out the hash of a key that took the place of another', () => {
    const event = { type: 'KeyRotated', ...examples.KeyRotated };
    const { data } = entryOf(recorded(event), subjectOf(recorded(event)));
    expect(data).toMatchObject({ successor: { key_prefix: keyTerms.key_prefix }, retires_at: noon });
    expect(JSON.stringify(data)).not.toContain(keyTerms.key_hash);
  });

  it('keeps short_id and label of its subject when a later event does not say them', () => {
    const subject = subjectOf(recorded(minted));
    const later = shownEntry(entryOf(recorded({ type: 'SessionCompleted' }), subject));
    expect(later).toMatchObject({
      subject: { short_id: 'abcdefgh' },
      label: 'kitchen',
      summary: summaries.SessionCompleted({ at: noon }),
    });
  });

  it('takes the tenant of the event, and the time of the store, when there is nothing better', () => {
    const event = recorded({ type: 'SomethingNew' });
    const other = { ...event, metadata: { ...event.metadata, project_id: 'prj_other', environment: 'test' as const } };
    expect(entryOf(other, subjectOf(other))).toMatchObject({ project_id: 'prj_other', environment: 'test', at: noon });
  });
});

describe('when an entry was written', () => {
  const writtenAt = (at: string) => {
    const event = recorded({ ...minted, at } as { type: string });
    return entryOf(event, subjectOf(event)).written_at;
  };

  it.each(['2026-01-01T11:59:30.000Z', noon, '2026-01-01T12:01:00.000Z'])('is told by %s well enough', (at) =>
    expect(writtenAt(at)).toBeNull(),
  );

  it.each(['2026-01-01T11:58:59.999Z', '2026-01-01T13:00:00.000Z', 'yesterday'])('is kept beside %s', (at) =>
    expect(writtenAt(at)).toBe(noon),
  );
});

const keyTerms: KeyTerms = {
  ...tenant,
  id,
  short_id: 'abcdefgh',
  kind: 'household',
  key_hash: 'f'.repeat(64),
  key_prefix: 'bb_12345678',
  name: 'agent',
  scopes: ['read_only'],
  actor_name: null,
  created_by: 'operator',
  expires_at: null,
};

const operator = { operator_id: id, email: 'ada@example.com' };

/** One event of each type with every field a sentence may use; the type says when one is missing. */
const examples: { [T in AuditedEvent['type']]: Omit<Extract<AuditedEvent, { type: T }>, 'type'> } = {
  SessionMinted: minted,
  ConnectionCreated: {
    ...tenant,
    ...{ id, short_id: 'abcdefgh', server_id: 'stripe', auth_type: 'api_key', user_id: 'customer 42', at: noon },
    ...{ display_name: null, connection_metadata: {}, cert_metadata: {}, credential_version: 1 },
  },
  CredentialRotated: { credential_version: 2, cert_metadata: {}, at: noon },
  CredentialRefreshed: { credential_version: 3, token_refresh_at: noon, at: noon },
  ConnectionExpired: { code: 'REFRESH_TOKEN_DEAD', message: 'Over.', at: noon },
  MetadataChanged: { connection_metadata: {}, at: noon },
  WebhookSecretSet: { version: 2, previous: 1, previous_until: noon, at: noon },
  ConnectionDeleted: { at: noon },
  AgentSessionOpened: { ...tenant, id, servers: ['stripe'], user_id: null, at: noon },
  AgentSessionClosed: { at: noon },
  ConnectLinkStarted: {
    ...tenant,
    ...{ id, short_id: 'abcdefgh', server_id: 'mercadopago', user_id: 'customer 42', expires_at: noon, at: noon },
    redirect_uri: 'https://app.example/done?secret=1#state=2',
  },
  ConnectLinkConnected: { connection_id: 'c', at: noon },
  ConnectLinkDenied: { at: noon },
  ConnectLinkFailed: { error: 'code_expired', at: noon },
  ConnectLinkExpired: { at: noon },
  ConnectLinkUseRefused: { at: noon },
  SessionActivated: { at: noon },
  AttemptStarted: { attempt_id: 'a', provider: 'teller', connection_id: 'c', at: noon },
  AttemptClaimed: { attempt_id: 'a', at: noon },
  AttemptRefused: { attempt_id: 'a', code: 'ITEM_LOCKED', message: '', at: noon },
  AttemptSucceeded: { attempt_id: 'a', connection_id: 'c', outcome: 'linked', at: noon },
  UseRefused: { attempt_id: 'a', at: noon },
  SessionHandedOver: { code_hash: 'f'.repeat(64), at: noon },
  SessionCompleted: { at: noon },
  SessionFailed: { error_code: 'CANCELLED', error_message: '', at: noon },
  SessionExpired: { at: noon },
  ConnectionLinked: {
    ...tenant,
    id,
    short_id: 'abcdefgh',
    user_id: id,
    session_id: id,
    provider: 'plaid',
    provider_item_id: 'item',
    institution_id: null,
    institution_name: null,
    accounts_fingerprint: null,
    at: noon,
  },
  ConnectionReauthRequired: { code: 'ITEM_LOGIN_REQUIRED', message: '', at: noon },
  ProviderErrorReported: { code: 'ITEM_LOCKED', message: '', at: noon },
  ConnectionRelinked: { session_id: id, outcome: 'repaired', at: noon },
  ConnectionRepaired: { at: noon },
  WebhookReceived: { delivery_id: 'd', kind: 'ITEM:ERROR', code: '', size: 1, sha256: '', at: noon },
  CredentialAccessed: { purpose: 'remove', at: noon },
  ConnectionDisconnected: { reason: 'asked for', at: noon },
  UserCreated: { ...tenant, id, short_id: 'abcdefgh', name: 'Ada', email: null, at: noon },
  UserUpdated: { name: 'Ada', email: null, at: noon },
  VaultRotationRequested: { current_epoch: 2, remaining: 1, at: noon },
  UserDeleted: { at: noon },
  PersonalTextErased: { key_number: 0, at: noon },
  KeyCreated: { ...keyTerms, at: noon },
  KeyRenamed: { name: 'Kitchen', at: noon },
  KeyRotated: { successor: keyTerms, retires_at: noon, at: noon },
  KeyRevoked: { at: noon },
  ViewReplayStarted: { replay_id: id, view: 'users', verify: true, at: noon },
  ViewReplayEnded: { outcome: 'done', differing: 2, at: noon },
  KeyRefused: { reason: 'revoked', count: 3, first_at: noon, at: noon },
  ProjectCreated: {
    ...{ id: 'prj_0123456789abcdef', org_id: 'org_default', name: 'Shop', slug: 'shop', is_default: false, at: noon },
  },
  ProjectRenamed: { name: 'Web shop', at: noon },
  RedirectOriginsAllowed: { origins: ['https://app.example'], at: noon },
  OperatorAdded: { ...operator, role: 'administrator', at: noon },
  OperatorPasswordLinkMade: { ...operator, token_hash: 'f'.repeat(64), expires_at: noon, at: noon },
  OperatorPasswordSet: { ...operator, password_id: id, at: noon },
  OperatorRoleChanged: { ...operator, role: 'viewer', at: noon },
  OperatorRemoved: { ...operator, at: noon },
  OperatorSessionsEnded: { ...operator, at: noon },
  SignedIn: { ...operator, at: noon },
  SignInRefused: { operator_id: null, email: null, at: noon },
  SignedOut: { at: noon },
};

describe('a summary', () => {
  it.each(Object.entries(examples))('is a plain sentence for %s', (type, facts) => {
    const sentence = summaryOf(type, facts);
    expect(sentence).toMatch(/^[A-Z\d].*\.$/);
    expect(sentence).not.toMatch(/undefined|null|\[object|f{64}/);
  });

  it('says how many sign-ins were refused together', () => {
    const many = { ...examples.SignInRefused, count: 40, first_at: noon, last_at: noon };
    expect(summaries.SignInRefused(many)).toMatch(/^40 sign-ins .* refused/);
  });

  it.each([
    ['ITEM', 'ERROR', 'ITEM, ERROR'],
    ['invoice.paid', '', 'invoice.paid'],
    ['', '', 'something without a name'],
  ])('says what a delivery of kind "%s" and code "%s" was about', (kind, code, about) => {
    const delivery = { ...examples.WebhookReceived, kind, code };
    expect(summaries.WebhookReceived(delivery)).toBe(`The provider sent word of ${about}.`);
  });

  it('exists for a type that is not known yet, whatever its name', () => {
    expect(summaryOf('constructor', {})).toBe('constructor was recorded.');
  });
});
