import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as reallyPassed } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import type { ConnectionView } from '#contracts/connection.js';
import { logger } from '#service/logger.js';
import type { Connections } from '../connections.service.js';
import type { CredentialStorage } from '../credential-storage.js';
import type { Credentials } from '../credentials.service.js';
import type { FinishLinks } from './finish-links.js';
import { KeepFresh } from './keep-fresh.js';
import type { OAuthClients } from './oauth-clients.js';
import { OAuthTokens } from './oauth-tokens.js';
import { toSecret } from './stored-tokens.js';
import { ConnectionTokens } from './token-store.js';
import type { TokenTable } from './token-table.js';
import type { Tokens } from './tokens.js';

/** A call to a provider and the tries to write down what it gave, at most. */
const TRY_MS = 11_000;

let provider: Server;
let asks: number;
let ended: string[];
/** Until when what refreshes give cannot be written down. */
let awayUntil: number;
let view: Partial<ConnectionView>;
let lease: { holder: string; until: number } | null;
let kept: Tokens | null;
let replicas: KeepFresh[];

const dueSoon = (): string => {
  const [obtainedAt, expiresAt] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 60_000)];
  return toSecret({ accessToken: 'old', refreshToken: 'good once', obtainedAt, expiresAt, scope: null, metadata: {} });
};

/** Fails as a database does that hangs first. */
const write = async (_view: ConnectionView, tokens: Tokens) => {
  await new Promise((passed) => setTimeout(passed, Date.now() < awayUntil ? TRY_MS : 0));
  if (Date.now() < awayUntil) throw new Error('the database is away');
  kept = tokens;
};

const table = {
  takeLease: (_id: string, holder: string, milliseconds: number) => {
    if (lease && lease.holder !== holder && lease.until >= Date.now()) return Promise.resolve(false);
    lease = { holder, until: Date.now() + milliseconds };
    return Promise.resolve(true);
  },
  dropLease: (_id: string, holder: string) => Promise.resolve(void (lease?.holder === holder && (lease = null))),
  refreshed: () => Promise.resolve(kept),
  keepRefreshed: write,
  forgetRefreshed: () => Promise.resolve(),
} as unknown as TokenTable;

const due = (text: string, [, paused]: [string, string[]]) => {
  const isDue = view.credential_version === 1 && !(text.includes('order by') && paused.includes('c'));
  return Promise.resolve(isDue ? [{ id: 'c', server_id: 'shop', expires_at: null }] : []);
};

function replica(): KeepFresh {
  const connections = { find: () => Promise.resolve(view) };
  const credentials = { openNamed: () => Promise.resolve({ secret: dueSoon(), version: view.credential_version }) };
  const storage = { keep: () => Promise.resolve(void (view = { ...view, credential_version: 2 })).then(() => true) };
  const parts = [connections, credentials, storage, table] as unknown[];
  const store = new ConnectionTokens(...(parts as [Connections, Credentials, CredentialStorage, TokenTable]));
  store.expire = (id) => Promise.resolve(void ended.push(id));
  const { port } = provider.address() as AddressInfo;
  const client = { authorizeUrl: '', tokenUrl: `http://127.0.0.1:${port}/`, sandbox: true, clientId: 'c' };
  const clients = { of: () => client } as unknown as OAuthClients;
  const links = { resume: () => Promise.resolve() } as unknown as FinishLinks;
  const tokens = new OAuthTokens(store, table, clients);
  return new KeepFresh({ query: due } as unknown as DataSource, tokens, links, clients);
}

function start(): void {
  replicas.push(replica());
  replicas.at(-1)!.onApplicationBootstrap();
}

/** Each second, and what a provider needs to answer. */
async function seconds(many: number): Promise<void> {
  for (let second = 0; second < many; second++) {
    await jest.advanceTimersByTimeAsync(1_000);
    await reallyPassed(20);
  }
}

/** A refresh token that is good once. */
beforeAll(async () => {
  provider = createServer((_, answer) => {
    answer.statusCode = ++asks === 1 ? 200 : 400;
    answer.end(JSON.stringify(asks === 1 ? { access_token: 'new', expires_in: 3600 } : { error: 'invalid_grant' }));
  });
  await new Promise<void>((listening) => provider.listen(0, '127.0.0.1', listening));
});
afterAll(() => void provider.close());

beforeEach(() => {
  logger.level = 'silent';
  jest.useFakeTimers();
  [asks, ended, lease, kept, replicas] = [0, [], null, null, []];
  view = { id: 'c', server_id: 'shop', state: 'connected', auth_type: 'oauth', metadata: {}, credential_version: 1 };
});
afterEach(() => {
  for (const one of replicas) void one.beforeApplicationShutdown();
  jest.useRealTimers();
});

describe('what a refresh has given while it cannot be written down', () => {
  it('is written down before another replica may ask for it', async () => {
    awayUntil = Date.now() + 15_000;
    start();
    await seconds(21);
    start();
    await seconds(30);
    expect([asks, ended, kept?.accessToken, view.credential_version]).toEqual([1, [], 'new', 2]);
  });

  it('stays with its replica however long, as long as the lease can be written down', async () => {
    awayUntil = Date.now() + 120_000;
    start();
    await seconds(5);
    for (let another = 0; another < 5; another++) {
      start();
      await seconds(20);
    }
    await seconds(40);
    expect([asks, ended, kept?.accessToken, view.credential_version]).toEqual([1, [], 'new', 2]);
  });
});
