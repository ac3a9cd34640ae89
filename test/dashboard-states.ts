import type { Page } from 'playwright-core';
import type { Server } from '#contracts/api/servers.js';
import type { AuditEntry } from '#contracts/audit.js';
import type { OwnedConnection } from '#contracts/connection.js';
import type { UsedKey } from '#contracts/key.js';
import type { SessionView } from '#contracts/link-session.js';
import type { OperatorRole, OperatorView } from '#contracts/operator.js';
import type { PartHealth } from '#contracts/subjects.js';
import { answers } from '../apps/gateway/test/answers.js';
import type { Answers } from '../apps/gateway/test/fake-bus.js';
import {
  auditEntry,
  connectionView,
  projectView,
  serverEntry,
  sessionView,
  usedKey,
  userView,
} from '../apps/gateway/test/views.js';

interface State {
  path: string;
  /** An administrator when it says nothing; null for somebody who is not signed in. */
  role?: OperatorRole | null;
  /** Answers of the services that are not those of all states. */
  answers?: Answers;
  act?: (page: Page) => Promise<unknown>;
  /** Whether there are pictures at a phone, too. */
  isForPhones?: boolean;
}

const press = (name: string) => (page: Page) => page.getByRole('button', { name, exact: true }).click();

/** The main state of each page of the dashboard, and what a viewer sees. */
export const states: Record<string, State> = {
  'the set-up': { path: '/setup', role: null, answers: { 'key.operator.setup-open': () => ({ open: true }) } },
  'the sign-in': { path: '/sign-in', role: null },
  'the choice of a password': { path: `/welcome/${'t'.repeat(43)}`, role: null, isForPhones: true },
  sessions: { path: '/sessions', isForPhones: true },
  'sessions for a viewer': { path: '/sessions', role: 'viewer', isForPhones: true },
  'no sessions': { path: '/sessions', answers: { 'link-session.list': () => page() } },
  'a session': { path: `/sessions/${sessionView.id}` },
  'a new link': { path: '/sessions', act: press('New link') },
  'a link that was made': {
    path: '/sessions',
    act: async (page) => {
      await press('New link')(page);
      await press('Create link')(page);
      await page.getByRole('heading', { name: 'Send this link' }).waitFor();
    },
  },
  connections: { path: '/connections', isForPhones: true },
  'a connection': { path: `/connections/${connectionView.id}` },
  'a connection that needs its person, for a viewer': {
    path: `/connections/${connectionView.id}`,
    role: 'viewer',
    answers: { 'connection.platform.get': () => connections[1]! },
    isForPhones: true,
  },
  'no connections for a viewer': {
    path: '/connections',
    role: 'viewer',
    answers: { 'connection.platform.list': () => page() },
  },
  'the metadata of a connection': { path: `/connections/${connectionView.id}/metadata`, isForPhones: true },
  timeline: { path: '/timeline', isForPhones: true },
  'a moment': { path: `/timeline/moment?at=${Date.parse(auditEntry.at)}` },
  'API keys': { path: '/settings/api-keys', isForPhones: true },
  'a new key': {
    path: '/settings/api-keys',
    act: async (page) => {
      await press('Create key')(page);
      await page.getByRole('textbox', { name: 'Name' }).fill('Monthly report');
      await press('Create')(page);
      await page.getByRole('heading', { name: 'Copy your new key now' }).waitFor();
    },
  },
  projects: { path: '/settings/projects', isForPhones: true },
  providers: { path: '/settings/providers', isForPhones: true },
  operators: { path: '/settings/operators', isForPhones: true },
  system: { path: '/settings/system', isForPhones: true },
  account: { path: '/account' },
  'a page that is not there': { path: '/nowhere' },
};

const page = <Item>(...items: Item[]) => ({ items, next_cursor: null });
const grace = { ...userView, id: '018f2c7e-0000-7000-8000-000000000009', name: 'Grace Hopper' };

const sessions: SessionView[] = [
  { ...sessionView, label: 'Household budget' },
  { ...sessionView, user_id: grace.id, status: 'active', started_at: sessionView.created_at, provider: 'plaid' },
  { ...sessionView, action: 'relink', connection_id: connectionView.id, status: 'completed' },
  { ...sessionView, status: 'failed', error_code: 'GIVEN_UP', error_message: 'The person gave up.' },
];

const metadata = { customer: 'C-4711', region: 'EU', limits: { daily: 5 } };
const connections: OwnedConnection[] = [
  { ...connectionView, connection_metadata: metadata },
  { ...connectionView, user_id: grace.id, institution_name: 'Tartan Bank', state: 'needs_reauth' },
  { ...connectionView, institution_name: 'Houndstooth Bank', state: 'error', error_code: 'ITEM_LOCKED' },
  { ...connectionView, institution_name: 'First Gingham Credit Union', state: 'revoked' },
];

const keys: UsedKey[] = [
  { ...usedKey, name: 'Household budget app', scopes: ['full_access'] },
  { ...usedKey, name: 'Monthly report', last_used_at: null },
  { ...usedKey, name: 'Old laptop', revoked_at: usedKey.created_at },
];

const entries: AuditEntry[] = [
  { ...auditEntry, type: 'ConnectionLinked', summary: 'First Platypus Bank was connected through Plaid.' },
  { ...auditEntry, summary: 'A link was made for Ada, valid until 2026-01-01T12:15:00.000Z.' },
  { ...auditEntry, type: 'KeyCreated', summary: 'The key Household budget app was created with full_access.' },
];

const servers = [
  serverEntry,
  { ...serverEntry, id: 'plaid', name: 'Plaid' },
  { ...serverEntry, id: 'shopify', name: 'Shopify', category: 'ecommerce', country: 'GLOBAL', auth_type: 'oauth' },
] satisfies Server[];

const operators: OperatorView[] = (['administrator', 'viewer'] as const).map((role, number) => ({
  id: `11111111-1111-4111-8111-11111111111${number}`,
  email: `${role}@example.com`,
  role,
  status: number === 0 ? 'active' : 'invited',
  link_expires_at: null,
  created_at: sessionView.created_at,
}));

const health =
  (...views: string[]) =>
  (): PartHealth => ({
    status: 'up',
    views: views.map((name) => ({ name, lag_ms: 0, parked: 0 })),
    parts: { bus: 'up', database: 'up', eventstore: 'up' },
    versions: { latchkey: '0.1.0', bus: '2.14.3', database: '18.4', eventstore: '23.10.6+latchkey' },
  });

/** What the services say in a state: the same at any time and on any machine. */
export const answersOf = ({ role = 'administrator', answers: own }: State): Answers => ({
  ...answers,
  'key.operator.session': () => (role === null ? null : { ...operators.find((one) => one.role === role)! }),
  'key.operator.setup-open': () => ({ open: false }),
  'key.operator.by-link': () => operators[1]!,
  'key.operator.list': () => operators,
  'key.project.list': () => page({ ...projectView, redirect_origins: ['https://app.example'] }),
  'key.list': () => page(...keys),
  'key.get': () => keys[0]!,
  'key.health': health('api_keys', 'projects'),
  'link-session.list': () => page(...sessions),
  'link-session.get': () => sessions[0]!,
  'link-session.health': health('link_sessions'),
  'connection.platform.list': () => page(...connections),
  'connection.platform.get': () => connections[0]!,
  'connection.user.list': () => page(userView, grace),
  'connection.providers': () => ['plaid'],
  'connection.servers': () => servers,
  'connection.health': health('connections', 'users'),
  'audit.list': () => page(...entries),
  'audit.health': health('entries'),
  ...own,
});
