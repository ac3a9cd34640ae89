import type { ViewReplay } from '#contracts/replay.js';
import type { Server } from '#contracts/api/servers.js';
import type { AgentSessionView } from '#contracts/agent-session.js';
import type { AuditEntry } from '#contracts/audit.js';
import type { OwnedConnection } from '#contracts/connection.js';
import { defaultTenant } from '#contracts/envelope.js';
import { idOf } from '#contracts/ids.js';
import type { KeyView, UsedKey, VerifiedKey } from '#contracts/key.js';
import { organization, type ProjectView } from '#contracts/project.js';
import type { SessionView } from '#contracts/link-session.js';
import type { UserView } from '#contracts/user.js';

const at = '2026-01-01T12:00:00.000Z';

export const userView: UserView = {
  ...defaultTenant,
  id: idOf('user', 'user0001'),
  short_id: 'user0001',
  name: 'Ada',
  email: null,
  created_at: at,
  updated_at: at,
};

export const connectionView: OwnedConnection = {
  ...defaultTenant,
  id: idOf('connection', 'conn0001'),
  short_id: 'conn0001',
  user_id: userView.id,
  user_name: 'Ada',
  server_id: 'plaid',
  auth_type: 'hosted_link',
  display_name: 'First Platypus Bank',
  metadata: {},
  connection_metadata: {},
  cert_metadata: {},
  credential_version: null,
  webhook_version: null,
  webhook_previous: null,
  webhook_previous_until: null,
  provider: 'plaid',
  provider_item_id: 'item-1',
  accounts_fingerprint: 'f',
  institution_id: 'ins_1',
  institution_name: 'First Platypus Bank',
  state: 'connected',
  error_code: null,
  error_message: null,
  created_at: at,
  connected_at: at,
  updated_at: at,
  revoked_at: null,
  expires_at: null,
  token_refresh_at: null,
};

export const agentSessionView: AgentSessionView = {
  ...defaultTenant,
  id: idOf('agent_session', 'ses00001'),
  user_id: null,
  servers: ['z-api'],
  status: 'active',
  created_at: at,
  closed_at: null,
};

export const serverEntry: Server = {
  id: 'z-api',
  name: 'Z-API',
  category: 'messaging',
  country: 'BR',
  auth_type: 'path_secret',
  secret_names: ['instance_id', 'instance_token'],
  tools_count: 2,
  base_url: 'https://api.z-api.io',
  docs: null,
  webhook: null,
  validation: null,
  oauth: null,
};

export const sessionView: SessionView = {
  ...defaultTenant,
  id: idOf('link_session', 'sess0001'),
  short_id: 'sess0001',
  user_id: userView.id,
  provider: '',
  action: 'link',
  connection_id: null,
  single_use: false,
  redirect_url: '',
  label: '',
  status: 'pending',
  error_code: null,
  error_message: null,
  result_connection_ids: [],
  expires_at: '2026-01-01T12:15:00.000Z',
  started_at: null,
  completed_at: null,
  created_at: at,
  in_flight: [],
  last_refusal: null,
};

export const keyView: KeyView = {
  ...defaultTenant,
  id: idOf('api_key', 'key00001'),
  short_id: 'key00001',
  kind: 'household',
  name: 'Home',
  key_prefix: 'bb_12345678',
  scopes: ['read_only'],
  actor_name: null,
  allowed_ips: ['10.0.0.0/8'],
  created_by: 'operator',
  created_at: at,
  expires_at: null,
  retires_at: null,
  successor_id: null,
  revoked_at: null,
};

export const projectView: ProjectView = {
  id: defaultTenant.project_id,
  org_id: organization.id,
  name: 'default',
  slug: 'default',
  is_default: true,
  redirect_origins: [],
  created_at: at,
};

export const usedKey: UsedKey = { ...keyView, last_used_at: at };

export const auditEntry: AuditEntry = {
  ...defaultTenant,
  position: '12',
  id: '00000000-0000-5000-8000-000000000001',
  at,
  type: 'SessionMinted',
  subject: { kind: 'link_session', id: sessionView.id, short_id: sessionView.short_id },
  actor: { type: 'api_key', id: keyView.id, name: 'Home' },
  label: null,
  summary: 'Home minted a link.',
  request_id: 'r1',
  origin: { address: '192.0.2.1', key_prefix: 'bb_12345678', correlation_id: 'r1', causation_id: 'c1' },
  data: {},
};

export const verifiedKey: VerifiedKey = {
  ...defaultTenant,
  id: keyView.id,
  kind: 'household',
  name: 'Home',
  key_prefix: keyView.key_prefix,
  scopes: ['read_only'],
  actor_name: null,
  allowed_ips: [],
  expires_at: null,
  retires_at: null,
  revoked_at: null,
};

export const viewReplay: ViewReplay = {
  id: '77777777-7777-4777-8777-777777777777',
  service: 'link-session',
  view: 'link_sessions',
  verify: false,
  state: 'done',
  phase: 'over',
  events: 3,
  events_per_second: 3,
  seconds_left: null,
  drift: { missing: 0, extra: 0, changed: 1, rows: [{ key: 'a', kind: 'changed', columns: ['label'] }] },
  parked: 0,
  error: null,
  started_at: '2026-11-07T05:31:56.000Z',
  finished_at: '2026-11-07T05:31:57.000Z',
};
