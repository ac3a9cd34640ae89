/**
 * What test/isolation.spec.ts has to know of the routes in /openapi.json to ask for another tenant's things on each of
 * them. A route below a known path, without a body, needs nothing here. The test fails with the line to add for others.
 */

/** A kind of thing that belongs to a tenant; ids.ts of the world below says how one is made. */
export type ThingKind = 'user' | 'link' | 'bank' | 'key' | 'connection' | 'agentSession' | 'platformKey';

/** One id of each kind: those of another tenant's things, or some that nobody has. */
export type Ids = Record<ThingKind, string>;

/** What the parameter at the end of these paths names; the longest path counts. */
export const pathKinds: Record<string, ThingKind> = {
  '/api/v1/users/{id}': 'user',
  '/api/v1/connections/link/{id}': 'link',
  '/api/v1/connections/{id}': 'bank',
  '/api/v1/sandbox/connections/{id}': 'bank',
  '/api/v1/api-keys/{id}': 'key',
  '/v1/connections/{id}': 'connection',
  '/v1/sessions/{id}': 'agentSession',
  '/v1/api-keys/{id}': 'platformKey',
  '/v1/webhooks/{server_id}/{connection_id}': 'connection',
};

/** Paths whose parameters name nothing that belongs to a tenant, and why; what lies below them is meant too. */
export const shared: Record<string, string> = {
  '/v1/servers/{id}': 'the catalog is everybody’s',
  '/v1/providers/{id}': 'the catalog is everybody’s',
  '/v1/projects/{id}': 'projects are the organization’s (docs/decisions/0010)',
  '/v1/webhooks/{server_id}': 'a server of the catalog',
  '/api/v1/replays/{id}': 'read models are the installation’s (docs/decisions/0013)',
};

/** Bodies by operation; the ids are those of the things that it names. */
export const bodies: Record<string, (ids: Ids) => object> = {
  'POST /api/v1/connections/link': ({ user }) => ({ user_id: user }),
  'POST /api/v1/connections/{id}/relink': () => ({}),
  'POST /api/v1/users': () => ({ name: 'B' }),
  'PATCH /api/v1/users/{id}': () => ({ name: 'stolen' }),
  'POST /api/v1/api-keys': () => ({ name: 'B' }),
  'PATCH /api/v1/api-keys/{id}': () => ({ name: 'stolen' }),
  'POST /api/v1/api-keys/{id}/rotate': () => ({}),
  'POST /api/v1/replays': () => ({ view: 'agent_sessions', verify: true }),
  'POST /api/v1/erasures': ({ user }) => ({ subject: user }),
  'POST /v1/connections/start': () => ({
    server_id: 'sandbox-oauth',
    user_id: 'somebody',
    redirect_uri: 'https://a.example/',
  }),
  'POST /v1/connect/start': () => ({
    server_id: 'sandbox-oauth',
    user_id: 'somebody',
    redirect_uri: 'https://a.example/',
  }),
  'POST /v1/connections/hmac-validate': () => ({
    server_id: 'sandbox-hmac',
    secret: { access_key: 'user_good', secret: 'pass_good' },
  }),
  'POST /v1/connections/jwt-validate': () => ({
    server_id: 'sandbox-jwt',
    secret: { key_name: 'k', private_key: 'no key' },
  }),
  'POST /v1/connections': () => ({ server_id: 'stripe', secret: 'of B', user_id: 'somebody' }),
  'PATCH /v1/connections/{id}/metadata': () => ({ connection_metadata: { stolen: true } }),
  'PUT /v1/connections/{id}/webhook-secret': () => ({ secret: 'stolen' }),
  'POST /v1/sessions': () => ({ servers: ['stripe'], user_id: 'somebody' }),
  'POST /v1/api-keys': () => ({ name: 'B' }),
  'POST /v1/projects': () => ({ name: 'B' }),
  'PATCH /v1/projects/{id}': () => ({ name: 'a test' }),
  'PUT /v1/projects/{id}/redirect-origins': () => ({ origins: [] }),
};

/** What a field of a query or body names that looks like an id; null is nothing of a tenant. */
export const fieldKinds: Record<string, ThingKind[] | null> = {
  user_id: ['user'],
  connection_id: ['bank'],
  subject: ['user', 'connection', 'agentSession'],
  actor: ['key'],
  project_id: null,
  server_id: null,
  request_id: null,
};

/** Fields of this name mean something else here. */
export const exceptions: Record<string, string> = {
  'POST /v1/connections user_id': 'a name of the caller’s own for an end user',
  'POST /v1/connections/start user_id': 'a name of the caller’s own for an end user',
  'POST /v1/connect/start user_id': 'a name of the caller’s own for an end user',
  'POST /v1/sessions user_id': 'a name of the caller’s own for an end user',
};
