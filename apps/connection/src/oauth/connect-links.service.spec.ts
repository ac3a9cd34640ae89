import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConnectLinkEnding } from '#contracts/connect-link.js';
import { DomainError } from '#contracts/errors.js';
import { idOf, platformConnectionId } from '#contracts/ids.js';
import { hashSecret, newToken } from '#contracts/secrets.js';
import { logger } from '#service/logger.js';
import { until } from '#testing/api.js';
import { contextFor, newTenant } from '#testing/callers.js';
import type { ConnectionViews } from '../connection-views.js';
import type { StoreConnection } from '../store-connection.js';
import { ConnectLinks } from './connect-links.service.js';
import { FinishLinks } from './finish-links.js';
import type { LinkRecord } from './link-record.js';
import { type LinkStateRow, type ReceivedCode, type TakenLink } from './link-state.js';
import type { LinkTable, UnderWay } from './link-table.js';
import type { OAuthClients } from './oauth-clients.js';

/** Nothing listens there. */
const NOBODY = 'http://127.0.0.1:9/';
let tokenUrl = NOBODY;
const tenant = newTenant();
const id = idOf('connection', 'abcdefgh');
const tokens = {
  ...{ accessToken: 'a', refreshToken: 'r', obtainedAt: new Date(), expiresAt: null, scope: null, metadata: {} },
};
const clients = {
  of: (serverId: string) => ({
    ...{ serverId, sandbox: true, authorizeUrl: 'https://bank.example/authorize', tokenUrl },
    ...{ clientId: 'c', clientSecret: 's', scopes: [], signsCallback: serverId === 'signing' },
  }),
} as unknown as OAuthClients;

/** One link in memory. */
class FakeTable {
  row: (LinkStateRow & { step: string; ending: ConnectLinkEnding | null }) | null = null;
  startedAt = new Date();

  put(row: LinkStateRow) {
    this.row = { ...row, step: 'open', ending: null };
    return Promise.resolve();
  }

  take(_stateHash: string, _by: unknown, read: (row: LinkStateRow) => TakenLink) {
    if (this.row?.step !== 'open') return Promise.resolve(null);
    const taken = read(this.row);
    this.row.step = taken.received ? 'received' : 'taken';
    return Promise.resolve(taken);
  }

  learn = (): Promise<boolean> => {
    this.row!.step = 'learnt';
    return Promise.resolve(true);
  };

  endAt(_stateHash: string, expiresAt: string) {
    return Promise.resolve(void (this.row!.expiresAt = new Date(expiresAt)));
  }

  isOpen = () => Promise.resolve(this.row?.step === 'open');
  find = () => Promise.resolve(this.row && this.underWay());

  end(_stateHash: string, ending: ConnectLinkEnding) {
    Object.assign(this.row!, { step: 'ended', ending });
    return Promise.resolve(this.underWay());
  }

  codeOf = (): Promise<ReceivedCode> => Promise.reject(new Error('there is none'));
  forget = () => Promise.resolve(void (this.row = null));
  expire = () => Promise.resolve();
  unfinished = () => Promise.resolve(this.row ? [this.underWay()] : []);

  private underWay(): UnderWay {
    const { stateHash, ending, step, ...link } = this.row!;
    const made = contextFor(tenant);
    return { stateHash, link, made, startedAt: this.startedAt, returned: null, step: step as UnderWay['step'], ending };
  }
}

/** A record that can be written, is away, or says that another link has the name. */
class FakeRecord {
  trouble: 'UNAVAILABLE' | 'ID_TAKEN' | null = null;
  written: string[] = [];
  /** Until when the start holds that is on record already. */
  recorded: string | null = null;

  start = (_context: unknown, _hash: unknown, { expires_at }: { expires_at: string }) =>
    this.write('start').then(() => ({ position: '7', expires_at: this.recorded ?? expires_at }));
  end = (_link: UnderWay, { type }: ConnectLinkEnding) => this.write(type);
  refuseUse = () => this.write('refusal');

  private write(what: string): Promise<void> {
    if (this.trouble) return Promise.reject(new DomainError(this.trouble));
    this.written.push(what);
    return Promise.resolve();
  }
}

/** Answers late, so that whoever does not wait for it is found out. */
class FakeViews {
  isAway = false;
  shown: string[] = [];

  async reached(position: string): Promise<void> {
    await new Promise(setImmediate);
    if (this.isAway) throw new DomainError('UNAVAILABLE');
    this.shown.push(position);
  }
}

let table: FakeTable;
let record: FakeRecord;
let finishing: FinishLinks;
let views: FakeViews;
let links: ConnectLinks;

beforeEach(() => {
  logger.level = 'silent';
  table = new FakeTable();
  record = new FakeRecord();
  const given = [clients, table as unknown as LinkTable, record as unknown as LinkRecord] as const;
  finishing = new FinishLinks(...given, {
    tokens: () => Promise.resolve({ id, position: '9' }),
  } as unknown as StoreConnection);
  views = new FakeViews();
  links = new ConnectLinks(...given, finishing, views as unknown as ConnectionViews);
});

const start = (state: string) =>
  links.start(contextFor(tenant), {
    ...{ state, server_id: 'bank', user_id: 'u', redirect_uri: 'https://app.example/done', scopes: null, shop: null },
    callback_url: 'https://us.example/v1/connect/callback/bank',
  });
const deny = (state: string) => links.finish(contextFor(tenant), 'bank', { state, error: 'access_denied' });

describe('the start of a Connect Link', () => {
  it('answers where it stands on the timeline', async () => {
    expect(await start(newToken())).toMatchObject({ position: '7' });
    expect(record.written).toEqual(['start']);
  });

  it('is refused while it cannot be recorded', async () => {
    record.trouble = 'UNAVAILABLE';
    await expect(start(newToken())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('that is on record already holds as long as it says there', async () => {
    record.recorded = '2026-01-01T12:10:00.000Z';
    expect(await start(newToken())).toMatchObject({ expires_at: record.recorded });
    expect(table.row!.expiresAt.toISOString()).toBe(record.recorded);
  });

  it('leaves nothing of a link whose name is taken', async () => {
    record.trouble = 'ID_TAKEN';
    await expect(start(newToken())).rejects.toMatchObject({ code: 'ID_TAKEN' });
    expect(table.row).toBeNull();
  });
});

describe('a connection that a link makes', () => {
  const state = newToken();
  const connected = `https://app.example/done?status=connected&connection_id=${platformConnectionId(id)}`;
  const comeBack = () => links.finish(contextFor(tenant), 'bank', { state, code: 'c' });
  let provider: Server;
  let asks = 0;

  beforeAll(async () => {
    provider = createServer((_, answer) => answer.end(`{"access_token":"${++asks}"}`));
    await new Promise<void>((listening) => provider.listen(0, '127.0.0.1', listening));
    tokenUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/`;
  });
  beforeEach(() => start(state));
  afterAll(() => {
    tokenUrl = NOBODY;
    provider.close();
  });

  it('can be read before the browser is sent on', async () => {
    expect(await comeBack()).toBe(connected);
    expect(views.shown).toEqual(['9']);
  });

  it('is made from what the provider gave once the database is back, and the app hears that it is away', async () => {
    const learn = table.learn;
    table.learn = () => Promise.reject(new Error('the database is away'));
    const before = asks;
    expect(await comeBack()).toBe('https://app.example/done?status=error&error=unavailable');
    await finishing.resume();
    expect(table.row).toMatchObject({ step: 'received', ending: null });
    table.learn = learn;
    await finishing.resume();
    await until(
      () => Promise.resolve(table.row),
      (row) => row === null,
    );
    expect([asks - before, record.written]).toEqual([1, ['start', 'RecordConnection']]);
  });

  it('is not made when the link is over by then', async () => {
    table.learn = () => Promise.resolve(false);
    expect(await comeBack()).toBe('https://app.example/done?status=error&error=unavailable');
    expect(record.written).toEqual(['start']);
  });

  it('is told also while it cannot be read yet', async () => {
    views.isAway = true;
    expect(await comeBack()).toBe(connected);
  });
});

describe('while the record is away', () => {
  const state = newToken();
  beforeEach(async () => {
    await start(state);
    record.written = [];
    record.trouble = 'UNAVAILABLE';
  });

  it('a denial is told to the app, and recorded later', async () => {
    expect(await deny(state)).toBe('https://app.example/done?status=denied&error=access_denied');
    expect(table.row).toMatchObject({ step: 'ended', ending: { type: 'RecordDenial' } });
    record.trouble = null;
    await finishing.resume();
    expect([record.written, table.row]).toEqual([['RecordDenial'], null]);
  });

  it('a connection is made, and recorded later', async () => {
    expect(await finishing.connect(hashSecret(state), tokens)).toMatchObject({
      connection_id: platformConnectionId(id),
    });
    expect(table.row).toMatchObject({ step: 'ended', ending: { type: 'RecordConnection', connection_id: id } });
    record.trouble = null;
    await finishing.resume();
    expect([record.written, table.row]).toEqual([['RecordConnection'], null]);
  });

  it('a second use is refused as ever', async () => {
    await deny(state);
    expect(await deny(state)).toBeNull();
  });
});

it('a provider that does not answer is recorded, and the link goes on', async () => {
  const state = newToken();
  await start(state);
  const failed = 'https://app.example/done?status=error&error=provider_unreachable';
  expect(await links.finish(contextFor(tenant), 'bank', { state, code: 'c' })).toBe(failed);
  await until(
    () => Promise.resolve(record.written),
    (written) => written.includes('RecordFailure'),
  );
  expect(table.row).toMatchObject({ step: 'received', ending: null });
});

describe('a link whose provider does not answer', () => {
  beforeEach(async () => {
    const state = newToken();
    await start(state);
    table.row!.step = 'received';
    table.codeOf = () => Promise.resolve({ code: 'c', verifier: 'v' });
  });

  it('is left for the next round', async () => {
    await finishing.resume();
    expect([table.row?.step, record.written]).toEqual(['received', ['start']]);
  });

  it('has failed an hour after its start', async () => {
    table.startedAt = new Date(Date.now() - 3_601_000);
    await finishing.resume();
    await until(
      () => Promise.resolve(table.row),
      (row) => row === null,
    );
    expect(record.written).toEqual(['start', 'RecordFailure']);
  });
});

it('links that were left are finished side by side, and at once however many they are', async () => {
  const state = newToken();
  await start(state);
  const ended = await table.end(hashSecret(state), { type: 'RecordDenial' });
  const rounds = [20, 20, 0].map((length) => Array.from({ length }, () => ended));
  table.unfinished = () => Promise.resolve(rounds.shift()!);
  let letGo = () => {};
  const allThere = new Promise<void>((resolve) => void (letGo = resolve));
  let begun = 0;
  record.end = () => {
    if (++begun === 20) letGo();
    return allThere;
  };
  await finishing.resume();
  expect(begun).toBe(40);
});

describe('a state', () => {
  it('that is used again is recorded each time', async () => {
    const state = newToken();
    await start(state);
    await deny(state);
    expect([await deny(state), await deny(state)]).toEqual([null, null]);
    expect(record.written.filter((what) => what === 'refusal')).toHaveLength(2);
  });

  it('that is used again without the signature of a provider that signs is not', async () => {
    const state = newToken();
    await start(state);
    await deny(state);
    expect(await links.finish(contextFor(tenant), 'signing', { state, error: 'access_denied' })).toBeNull();
    expect(record.written).not.toContain('refusal');
  });

  it('that is none is not looked for', async () => {
    for (const state of [undefined, '', ['a', 'b'], 'x']) await links.finish(contextFor(tenant), 'bank', { state });
    expect(record.written).toEqual([]);
  });
});
