import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConnectionView } from '#contracts/connection.js';
import { DomainError } from '#contracts/errors.js';
import type { Connections } from '../connections.service.js';
import type { CredentialStorage } from '../credential-storage.js';
import type { Credentials } from '../credentials.service.js';
import type { OAuthClients } from './oauth-clients.js';
import { OAuthTokens } from './oauth-tokens.js';
import { toSecret } from './stored-tokens.js';
import { ConnectionTokens } from './token-store.js';
import type { TokenTable } from './token-table.js';
import type { Tokens } from './tokens.js';

const tokens = (accessToken: string, minutes: number): Tokens => ({
  accessToken,
  refreshToken: `refresh of ${accessToken}`,
  obtainedAt: new Date(Date.now() - 3_600_000),
  expiresAt: new Date(Date.now() + minutes * 60_000),
  scope: null,
  metadata: {},
});
const [old, next] = [tokens('old', 1), tokens('next', 60)];

/** What the stream says, and what lies in the vault: by version, and what refreshes have given. */
let view: Partial<ConnectionView> | null;
let vault: Map<number, Tokens>;
let slots: Set<string>;
/** What happens once the credential was opened, and as a version is recorded. */
let meanwhile: () => void;
let recording: () => Promise<unknown>;
let asked: string[];

const connections = { find: () => Promise.resolve(view) } as unknown as Connections;
const credentials = {
  openNamed: ({ credential_version }: { credential_version: number }) => {
    meanwhile();
    return Promise.resolve({ secret: toSecret(vault.get(credential_version)!), version: credential_version });
  },
} as unknown as Credentials;
const storage = { keep: () => recording() } as unknown as CredentialStorage;
const table = {
  takeLease: () => Promise.resolve(true),
  dropLease: () => Promise.resolve(),
  refreshed: () => Promise.resolve(null),
  forgetRefreshed: (id: string, version: string) => Promise.resolve(void slots.delete(`${id} ${version}`)),
} as unknown as TokenTable;
const clients = {
  of: (id: string) => {
    asked.push(id);
    throw new Error('the provider is asked');
  },
} as unknown as OAuthClients;

const store = new ConnectionTokens(connections, credentials, storage, table);
const moveOn = () => void (view = { ...view, credential_version: 2 });

beforeEach(() => {
  view = { id: 'c', server_id: 'shop', state: 'connected', auth_type: 'oauth', metadata: {}, credential_version: 1 };
  vault = new Map([
    [1, old],
    [2, next],
  ]);
  slots = new Set(['c 1', 'c 2']);
  meanwhile = () => undefined;
  recording = () => Promise.resolve(true);
  asked = [];
});

describe('the refresh token of a link', () => {
  const fresh = () => new OAuthTokens(store, table, clients).fresh('c');

  it('goes to the provider as long as it is the one that counts', async () => {
    await expect(fresh()).rejects.toThrow('the provider is asked');
    expect(asked).toEqual(['shop']);
  });

  it('is not sent when another credential was set after it was read: that one is the answer', async () => {
    let opened = 0;
    meanwhile = () => void (++opened === 2 && moveOn());
    expect(await fresh()).toEqual(next);
    expect(asked).toEqual([]);
  });

  it('is not sent when the connection has ended since it was read', async () => {
    let opened = 0;
    meanwhile = () => void (++opened === 2 && (view = null));
    expect(await fresh()).toBeNull();
    expect(asked).toEqual([]);
  });
});

describe('what a refresh has given while it cannot be written down', () => {
  let provider: Server;
  let asks: number;
  let ended: string[];
  let leases: string[];
  /** What each write of refreshed tokens comes to. */
  let writes: (() => Promise<void>)[];
  let kept: Map<number, Tokens>;

  beforeAll(async () => {
    provider = createServer((_, answer) =>
      answer.end(JSON.stringify({ access_token: `new ${++asks}`, expires_in: 60 })),
    );
    await new Promise<void>((listening) => provider.listen(0, '127.0.0.1', listening));
  });
  afterAll(() => void provider.close());
  beforeEach(() => {
    [asks, ended, leases, writes, kept] = [0, [], [], [], new Map()];
    recording = () => Promise.resolve(void moveOn()).then(() => true);
  });

  const away = () => Promise.reject(new Error('the database is away'));
  const keeper = () => {
    const table = {
      takeLease: (_id: string, holder: string) => Promise.resolve(leases.push(holder) > 0),
      dropLease: (_id: string, holder: string) => Promise.resolve(void leases.push(`not ${holder}`)),
      refreshed: ({ credential_version }: ConnectionView) => Promise.resolve(kept.get(credential_version!) ?? null),
      keepRefreshed: async ({ credential_version }: ConnectionView, tokens: Tokens) => {
        await writes.shift()?.();
        kept.set(credential_version!, tokens);
      },
      forgetRefreshed: () => Promise.resolve(),
    } as unknown as TokenTable;
    const ours = new ConnectionTokens(connections, credentials, storage, table);
    ours.expire = (id) => Promise.resolve(void ended.push(id));
    const { port } = provider.address() as AddressInfo;
    const client = { authorizeUrl: '', tokenUrl: `http://127.0.0.1:${port}/`, sandbox: true, clientId: 'c' };
    return new OAuthTokens(ours, table, { of: () => client } as unknown as OAuthClients);
  };

  it('is in hand, and is written down at the next try without asking the provider again', async () => {
    writes = [away];
    const replica = keeper();
    await expect(replica.fresh('c')).rejects.toThrow('away');
    expect([kept.size, view!.credential_version]).toEqual([0, 1]);
    await replica.fresh('c');
    expect([asks, kept.get(1)?.accessToken, view!.credential_version, ended]).toEqual([1, 'new 1', 2, []]);
  });

  it('keeps the lease from the other replicas, and its own may go on under it', async () => {
    writes = [away];
    const replica = keeper();
    await expect(replica.fresh('c')).rejects.toThrow('away');
    await replica.fresh('c');
    const [holder] = leases;
    expect(leases).toEqual([holder, holder, `not ${holder}`]);
  });

  it('is nothing to a credential that was set meanwhile', async () => {
    writes = [away];
    const replica = keeper();
    await expect(replica.fresh('c')).rejects.toThrow('away');
    moveOn();
    vault.set(2, old);
    await replica.fresh('c');
    expect([asks, kept.get(2)?.accessToken]).toEqual([2, 'new 2']);
  });

  it.each<[string, () => void, boolean]>([
    ['stays in hand as long as it may be written down', () => undefined, true],
    ['is let go once the connection has ended', () => void (view = null), false],
    ['is let go once another credential is set', moveOn, false],
  ])('%s', async (_what, happens, isKept) => {
    writes = [away];
    const replica = keeper();
    await expect(replica.fresh('c')).rejects.toThrow('away');
    happens();
    await replica.forgetOutdated();
    expect(replica.isInHand('c')).toBe(isKept);
  });
});

describe('what a refresh has given', () => {
  const conflict = () => Promise.reject(new DomainError('CONFLICT'));

  it.each([
    ['was recorded', () => undefined, true],
    ['came after another credential', moveOn, false],
    ['lost to another credential', () => void (recording = () => Promise.resolve(moveOn()).then(conflict)), false],
    ['came after the end of the connection', () => void (view = null), false],
  ])('is forgotten once it %s, and nothing of another version', async (_when, happens, replaced) => {
    happens();
    expect(await store.replace('c', '1', next)).toBe(replaced);
    expect([...slots]).toEqual(['c 2']);
  });

  it('is kept when so many others wrote to the connection that it could not be recorded', async () => {
    recording = conflict;
    await expect(store.replace('c', '1', next)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(slots).toContain('c 1');
  });

  it('is kept as long as nobody knows whether it is recorded', async () => {
    recording = () => Promise.reject(new DomainError('UNAVAILABLE'));
    await expect(store.replace('c', '1', next)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(slots).toContain('c 1');
  });
});
