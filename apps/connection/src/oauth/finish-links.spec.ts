import { beforeEach, expect, it, jest } from '@jest/globals';
import type { ConnectLinkEnding } from '#contracts/connect-link.js';
import { idOf, shortIdOf } from '#contracts/ids.js';
import { hashSecret, newToken } from '#contracts/secrets.js';
import { logger } from '#service/logger.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { MemoryStreams } from '#testing/memory-streams.js';
import type { Catalog } from '../catalog/catalog.js';
import { ConnectionFolds } from '../connection-folds.js';
import { ConnectionSlots } from '../connection-slots.js';
import { Connections } from '../connections.service.js';
import type { CredentialStorage } from '../credential-storage.js';
import { StoreConnection } from '../store-connection.js';
import { FinishLinks } from './finish-links.js';
import type { LinkRecord } from './link-record.js';
import type { LinkTable, UnderWay } from './link-table.js';
import type { OAuthClients } from './oauth-clients.js';
import type { Tokens } from './tokens.js';

const tenant = newTenant();
const tokens: Tokens = {
  ...{ accessToken: 'a', refreshToken: 'r', obtainedAt: new Date(), expiresAt: null, scope: null, metadata: {} },
};

/** The row of the one link; what lies in the vault for it goes when it ends. */
let row: UnderWay | null;
let attempt: Tokens | null;
/** Whether the worker dies before it can write how the link has ended. */
let dies: boolean;
let recorded: ConnectLinkEnding[];
let connections: Connections;
let finishing: FinishLinks;

const table = {
  find: () => Promise.resolve(row),
  tokensOf: () => Promise.resolve(attempt),
  end: (_hash: string, ending: ConnectLinkEnding) => {
    if (dies) return Promise.reject(new Error('died'));
    [row, attempt] = [{ ...row!, step: 'ended', ending }, null];
    return Promise.resolve(row);
  },
  forget: () => Promise.resolve(void (row = null)),
  expire: () => Promise.resolve(),
  unfinished: () => Promise.resolve(row ? [row] : []),
} as unknown as LinkTable;

beforeEach(() => {
  logger.level = 'silent';
  const link = { tenant, userId: 'u', serverId: 'bank', redirectUri: '', callbackUrl: '', shop: null };
  const made = { ...contextFor(tenant), returned: null };
  row = {
    stateHash: hashSecret(newToken()),
    link,
    made,
    startedAt: new Date(),
    ...{ returned: null, ending: null, step: 'learnt' },
  };
  [attempt, dies, recorded] = [tokens, true, []];
  const store = { client: new MemoryStreams() } as unknown as Store;
  connections = new Connections(store, new ConnectionFolds(store));
  const storage = {
    keep: async (_: object, __: string, record: (version: number) => Promise<{ result: unknown }>) =>
      (await record(1)).result,
  } as unknown as CredentialStorage;
  const storing = new StoreConnection({} as Catalog, storage, new ConnectionSlots(store, connections), connections);
  const record = { end: (_: UnderWay, ending: ConnectLinkEnding) => Promise.resolve(void recorded.push(ending)) };
  finishing = new FinishLinks({} as OAuthClients, table, record as unknown as LinkRecord, storing);
});

/** As many as one takes up, none of which gets anywhere: each lot is of others, as at a provider that hangs. */
const hanging = (): Promise<UnderWay[]> =>
  Promise.resolve(Array.from({ length: 20 }, () => ({ ...row!, stateHash: hashSecret(newToken()), step: 'received' })));

it('a round ends where none of those that it takes up comes further, as others may never be fewer', async () => {
  let lots = 0;
  const taken = jest
    .spyOn(table, 'unfinished')
    .mockImplementation(() => (++lots > 9 ? Promise.resolve([]) : hanging()));
  await finishing.resume();
  taken.mockRestore();
  expect(lots).toBe(1);
});

it('a round that goes on goes on with what it holds, and with what has expired', async () => {
  let lots = 0;
  const expired = jest.spyOn(table, 'expire');
  const over: UnderWay = { ...row!, step: 'ended', ending: { type: 'ExpireConnectLink' } };
  const more = async () => (++lots > 3 ? [] : [over, ...(await hanging())]);
  const taken = jest.spyOn(table, 'unfinished').mockImplementation(more);
  await finishing.resume();
  taken.mockRestore();
  expect([lots, expired.mock.calls.length, recorded.length]).toEqual([4, 4, 3]);
  expired.mockRestore();
});

it('a link whose connection was deleted before its end was written ends, and keeps no tokens', async () => {
  const { stateHash } = row!;
  await expect(finishing.connect(stateHash, tokens)).rejects.toThrow('died');
  const made = idOf('connection', shortIdOf(stateHash));
  await connections.delete(made, contextFor(tenant));
  dies = false;
  await finishing.resume();
  await finishing.resume();
  expect([recorded[0], row, attempt]).toEqual([{ type: 'RecordConnection', connection_id: made }, null, null]);
});
