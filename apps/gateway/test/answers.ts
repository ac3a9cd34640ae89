import { generateKeyPairSync } from 'node:crypto';
import type { Answers } from './fake-bus.js';
import {
  agentSessionView,
  auditEntry,
  connectionView,
  keyView,
  projectView,
  viewReplay,
  serverEntry,
  sessionView,
  usedKey,
  userView,
} from './views.js';

const vaultJwk = { ...generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }) };
const written = <View>(view: View) => ({ view, position: '7' });
const page = <Item>(item: Item) => ({ items: [item], next_cursor: null });
const health = () => ({
  status: 'up' as const,
  views: [{ name: 'a view', lag_ms: 3, parked: 0 }],
  parts: { bus: 'up' as const },
  versions: { latchkey: '0.1.0', bus: '2.14.3' },
});

const vaultStatus = {
  current_epoch: 1,
  epochs: [{ epoch: 1, entries: 3, has_key: true }],
  remaining: 0,
  last_error: null,
};

/** Services that find whatever they are asked for. */
export const answers: Answers = {
  'link-session.mint': ({ terms }) => written({ ...sessionView, ...terms }),
  'link-session.relink': ({ terms, connection_id }) =>
    written({ ...sessionView, ...terms, action: 'relink', connection_id, single_use: true, provider: 'plaid' }),
  'link-session.get': () => sessionView,
  'link-session.list': () =>
    page({ ...sessionView, status: 'failed', error_code: 'CANCELLED', error_message: 'The link was cancelled.' }),
  'link-session.cancel': () => written(sessionView),
  'link-session.changes': () => ({ changes: [{ position: '7', session: sessionView }], ended: true }),
  'connection.user.create': ({ user }) => written({ ...userView, ...user }),
  'connection.user.update': ({ name }) => written({ ...userView, name: name ?? userView.name }),
  'connection.user.delete': () => ({ position: '7' }),
  'connection.user.get': () => userView,
  'connection.user.list': () => page(userView),
  'connection.text.erase': () => ({
    subject: { kind: 'user', id: userView.id },
    counts: { user: 1 },
    positions: ['7'],
    position: '7',
  }),
  'link-session.text.erase': () => ({ subject: null, counts: {}, positions: [], position: '0' }),
  'connection.vault.status': () => vaultStatus,
  'connection.vault.rotate': () => written(vaultStatus),
  'connection.get': () => connectionView,
  'connection.list': () => page(connectionView),
  'connection.disconnect': () => written(connectionView),
  'connection.require-login': () => written(connectionView),
  'connection.webhook': () => ({ accepted: true, duplicate: false }),
  'connection.platform.store': () => ({ ...written(connectionView), created: true }),
  'connection.platform.get': () => connectionView,
  'connection.platform.list': () => page(connectionView),
  'connection.platform.revoke': () => ({ ...written(connectionView), already: false }),
  'connection.platform.delete': () => ({ position: '7' }),
  'connection.platform.metadata': () => written(connectionView),
  'connection.platform.webhook-secret': () => written(connectionView),
  'connection.connect.start': () => ({
    authorize_url: 'https://provider.example/authorize?a=1',
    expires_at: '2026-01-01T12:10:00.000Z',
    position: '7',
  }),
  'connection.platform.validate': ({ server_id }) => ({ ok: true, provider: server_id, latency_ms: 12 }),
  'connection.vault-key': () => ({ jwk: vaultJwk }),
  'connection.session.open': () => written(agentSessionView),
  'connection.session.close': () => written({ ...agentSessionView, status: 'closed' }),
  'connection.session.get': () => agentSessionView,
  'connection.session.list': () => page(agentSessionView),
  'connection.session.reach': () => [{ server: serverEntry, status: 'ready' }],
  'connection.servers': () => [serverEntry],
  'connection.ledger': () => ({ items: [{ id: 'item-1', provider: 'plaid', institution: 'ins_1', state: 'live' }] }),
  'key.create': ({ terms }) => {
    const { key_hash: _hash, ...shown } = terms;
    return written({ ...keyView, allowed_ips: [], ...shown });
  },
  'key.rename': ({ name }) => written({ ...usedKey, name }),
  'key.rotate': ({ successor: { key_hash: _hash, ...identity } }) => written({ ...keyView, ...identity }),
  'key.revoke': () => written(keyView),
  // Which kind of key is asked for, the test knows by the surface it asks on.
  'key.get': ({ context }) => ({
    ...usedKey,
    kind: context.request_id.startsWith('platform') ? 'platform' : 'household',
  }),
  'key.list': ({ kind }) => page(kind === 'platform' ? { ...usedKey, kind, scopes: ['servers:read'] } : usedKey),
  'key.used': () => ({}),
  'key.refused': () => ({}),
  'key.project.create': ({ id, name, slug }) =>
    written({ ...projectView, id, name, slug: slug ?? 'made', is_default: false }),
  'key.project.rename': ({ name }) => written({ ...projectView, name }),
  'key.project.allow-redirects': ({ origins }) => written({ ...projectView, redirect_origins: origins }),
  'key.project.get': () => projectView,
  'key.project.list': () => page(projectView),
  'audit.list': () => page(auditEntry),
  'audit.export.begin': () => ({ until: '7', entries: 1, exact: true }),
  'audit.export.page': () => ({
    lines: [{ ...auditEntry, sealed_label: null, seq: 1, hash: '0', opened: { summary: auditEntry.summary } }],
    next: null,
  }),
  'audit.jwks': () => ({ keys: [] }),
  // The stream begins, and its end is a failure: it has no other one.
  'audit.changes': ({ since }) => {
    if (since !== undefined) throw new Error('the end of the test');
    return { entries: [auditEntry], position: auditEntry.position };
  },
  'key.replay.start': () => [],
  'connection.replay.start': () => [],
  'link-session.replay.start': ({ id }) => [{ ...viewReplay, id }],
  'audit.replay.start': () => [],
  'key.replay.list': () => [],
  'connection.replay.list': () => [],
  'link-session.replay.list': ({ id }) => [{ ...viewReplay, id: id ?? viewReplay.id }],
  'audit.replay.list': () => [],
  'key.health': health,
  'connection.health': health,
  'link-session.health': health,
  'audit.health': health,
};
