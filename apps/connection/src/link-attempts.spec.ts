import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { SessionView } from '#contracts/link-session.js';
import type { UserView } from '#contracts/user.js';
import type { Bus } from '#service/bus.js';
import { logger } from '#service/logger.js';
import type { AttemptJournal } from './attempt-journal.js';
import { BankFacts } from './bank-facts.js';
import type { ConfiguredProviders } from './configured-providers.js';
import type { ConnectionViews } from './connection-views.js';
import type { Connections } from './connections.service.js';
import type { CredentialAccesses } from './credential-accesses.js';
import { Credentials } from './credentials.service.js';
import type { AttemptFacts, LinkAttempt } from './link-attempt.entity.js';
import { LinkAttempts } from './link-attempts.service.js';
import { LinkAttemptController } from './link-attempt.controller.js';
import { LinkStarter } from './link-starter.js';
import { ProviderError } from './providers/provider.js';
import type { Users } from './users.service.js';
import type { Vault } from './vault/vault.service.js';

const session = {
  ...{ id: 's', user_id: 'u', action: 'link', connection_id: null },
  ...{ in_flight: [] as string[], result_connection_ids: [] as string[] },
} as SessionView;
let user: UserView | null;
let recorded: string[];
/** What the parts around were asked for, in order. */
let asked: string[];
let attempt: LinkAttempt | null;
/** Why the session takes the attempt for lost; null when it does not. */
let late: 'CONSUMED' | 'EXPIRED' | 'GONE' | null;
let isBankAway: boolean;
/** What the bank says to the login; null when it takes it. */
let verdict: string | null;
let connection: { state: string } | null;
/** The vault does not have the connection's credential. */
let isLost: boolean;
/** Claims that were answered before: the same one again has the same answer. */
let claims: Set<string>;
let isRefused: boolean;
/** Steps of the journal that fail once. */
let failing: string[];

function claimed({ context }: { context: Context }): Promise<unknown> {
  if (late) return Promise.reject(new DomainError(late));
  if (isRefused && !claims.has(context.command_id)) return Promise.reject(new DomainError('INVALID_STATE'));
  claims.add(context.command_id);
  return Promise.resolve(session);
}

const bus = {
  ask: (subject: string, ask: { context: Context; code?: string; is_final?: boolean }) => {
    asked.push([subject, ask.code, ask.is_final].filter(Boolean).join(' '));
    if (subject === 'link-session.page') return Promise.resolve({ session: { ...session, status: 'expired' } });
    if (subject === 'link-session.attempt.refuse') isRefused = true;
    return subject === claim ? claimed(ask) : Promise.resolve(session);
  },
} as unknown as Bus;

const once = (step: string): Promise<void> => {
  if (!failing.includes(step)) return Promise.resolve();
  failing = failing.filter((each) => each !== step);
  return Promise.reject(new Error(`the database is away for ${step}`));
};

const journal = {
  start: () => Promise.resolve(void asked.push('journal')),
  find: () => Promise.resolve(attempt),
  lease: () => Promise.resolve(attempt),
  release: () => Promise.resolve(asked.push('release')),
  learn: (known: LinkAttempt, facts: AttemptFacts) => Promise.resolve((attempt = { ...known, state: 'learnt', facts })),
  assertLeased: () => once('assertLeased'),
  markUnwanted: (known: LinkAttempt) => once('markUnwanted').then(() => (attempt = { ...known, state: 'unwanted' })),
  close: () => once('close').then(() => (attempt = null)),
  token: () => Promise.resolve('token of the page'),
} as unknown as AttemptJournal;

const bank = {
  start: () => Promise.resolve(asked.push('open the dialog')),
  exchange: () =>
    verdict === null
      ? Promise.resolve({ accessToken: 'access', providerItemId: 'item' })
      : Promise.reject(new ProviderError(verdict, { retryable: false })),
  check: () => Promise.resolve({ healthy: verdict === null, errorCode: verdict, accountsFingerprint: null }),
  remove: (token: string) => {
    asked.push(`remove ${token}`);
    return isBankAway
      ? Promise.reject(new ProviderError('INTERNAL_SERVER_ERROR', { retryable: true }))
      : Promise.resolve();
  },
};
const providers = { get: () => bank } as unknown as ConfiguredProviders;

const connections = {
  find: (id: string) => Promise.resolve(recorded.includes(id) ? { id } : null),
  read: () => (connection ? Promise.resolve(connection) : Promise.reject(new DomainError('NOT_FOUND'))),
  command: (id: string) => Promise.resolve({ position: String(recorded.push(id)) }),
} as unknown as Connections;

const vault = {
  read: () => Promise.resolve(isLost ? null : 'access'),
  destroyAll: (id: string) => Promise.resolve(asked.push(`destroy ${id}`)),
} as unknown as Vault;

/** Answers late, so that whoever does not wait for it is found out. */
const views = {
  reached: async (position: string) => {
    await Promise.resolve();
    asked.push(`shown at ${position}, ${attempt ? 'open' : 'closed'}`);
  },
} as unknown as ConnectionViews;

const users = { find: () => Promise.resolve(user) } as unknown as Users;
const accesses = { record: () => Promise.resolve({ ...connection, credential_version: null }) };
const credentials = new Credentials(accesses as unknown as CredentialAccesses, vault);

const facts = new BankFacts(journal, providers, connections, credentials);
const attempts = new LinkAttempts(bus, journal, facts, connections, users, views);
const starter = new LinkStarter(journal, providers, connections, credentials);
const controller = new LinkAttemptController(bus, journal, attempts, starter, users);

const received = (provider: 'plaid' | 'teller'): LinkAttempt =>
  ({
    attempt_id: 'a',
    session_id: 's',
    connection_id: 'c',
    user_id: 'u',
    action: 'link',
    provider,
    state: 'received',
    token_hash: 'h',
  }) as LinkAttempt;

beforeEach(() => {
  [user, recorded, asked, attempt] = [{ id: 'u' } as UserView, [], [], received('plaid')];
  [late, isBankAway, verdict, connection] = [null, false, null, null];
  [claims, isRefused, failing, isLost] = [new Set(), false, [], false];
});

const claim = 'link-session.attempt.claim';
const settle = 'link-session.attempt.settle';
const refusal = 'link-session.attempt.refuse USER_DELETED true';
const gone = 'link-session.attempt.refuse CONNECTION_DISCONNECTED true';
const lost = 'link-session.attempt.refuse CREDENTIAL_LOST true';

describe('an attempt of a user who is deleted before it is recorded', () => {
  it.each([
    ['plaid', 'remove access'],
    ['teller', 'remove token of the page'],
  ] as const)('leaves nothing behind at %s', async (provider, removed) => {
    [user, attempt] = [null, received(provider)];
    await expect(attempts.advance('a')).rejects.toMatchObject({ code: 'GONE' });
    expect([recorded, attempt]).toEqual([[], null]);
    expect(asked).toEqual([claim, refusal, removed, 'destroy c']);
  });

  it('is taken up where it stands when the bank was away', async () => {
    attempt = { ...received('plaid'), state: 'unwanted' };
    await attempts.advance('a');
    expect([asked, attempt]).toEqual([['remove access', 'destroy c'], null]);
  });

  it('is told all the same when its connection stands', async () => {
    [user, recorded] = [null, ['c']];
    await attempts.advance('a');
    expect(asked.slice(0, 2)).toEqual([claim, settle]);
  });
});

it('an attempt keeps its user from being deleted until the view shows its connection, however late that is', async () => {
  const showing = jest.spyOn(views, 'reached').mockRejectedValueOnce(new DomainError('UNAVAILABLE'));
  await attempts.advance('a');
  expect([asked, attempt?.state]).toEqual([[claim, settle, 'release'], 'learnt']);
  showing.mockRestore();
  await attempts.advance('a');
  expect(attempt).toBeNull();
});

describe('a login that nobody wants, at a bank that does not answer', () => {
  beforeEach(() => {
    logger.level = 'silent';
    isBankAway = true;
  });

  it.each(['CONSUMED', 'EXPIRED', 'GONE'] as const)('does not keep the person from hearing %s', async (code) => {
    late = code;
    await expect(attempts.advance('a')).rejects.toMatchObject({ code });
    expect([asked, attempt?.state]).toEqual([[claim, 'remove access', 'release'], 'unwanted']);
  });

  it('does not keep the person from hearing that their user was deleted', async () => {
    user = null;
    await expect(attempts.advance('a')).rejects.toMatchObject({ code: 'GONE' });
    expect([asked.slice(-2), attempt?.state]).toEqual([['remove access', 'release'], 'unwanted']);
  });

  it('is refused in the same way when the page asks once more', async () => {
    attempt = { ...received('plaid'), state: 'unwanted' };
    const finish = { context: {}, token_hash: 'h', attempt_id: 'a' };
    const asking = controller.finish(finish as Parameters<LinkAttemptController['finish']>[0]);
    await expect(asking).rejects.toMatchObject({ code: 'EXPIRED' });
  });
});

it('an attempt of a user who is there is recorded, and stays open until the view shows its connection', async () => {
  await attempts.advance('a');
  expect([recorded, asked, attempt]).toEqual([['c'], [claim, settle, 'shown at 1, open'], null]);
});

it('a relink whose connection was deleted meanwhile is over, and its session hears why', async () => {
  attempt = { ...received('plaid'), action: 'relink' };
  await expect(attempts.advance('a')).rejects.toMatchObject({ code: 'CONNECTION_DISCONNECTED' });
  expect([asked, attempt]).toEqual([[claim, gone], null]);
});

it.each(['plaid', 'teller'] as const)(
  'a relink at %s whose credential is lost is over, and is not tried again',
  async (bank) => {
    [connection, isLost, attempt] = [{ state: 'connected' }, true, { ...received(bank), action: 'relink' }];
    await expect(attempts.advance('a')).rejects.toMatchObject({ code: 'GONE' });
    expect([asked, attempt]).toEqual([[claim, lost], null]);
  },
);

describe('a relink whose connection is no more', () => {
  const begin = (provider: string): Promise<unknown> => {
    const start = { context: {}, token_hash: 'h', provider, language: 'en' };
    return controller.start(start as Parameters<LinkAttemptController['start']>[0]);
  };
  beforeEach(() => void Object.assign(session, { action: 'relink', connection_id: 'c' }));
  afterEach(() => void Object.assign(session, { action: 'link', connection_id: null }));

  it.each(['plaid', 'teller'])('opens no dialog of %s, and its session ends', async (provider) => {
    connection = { state: 'revoked' };
    await expect(begin(provider)).rejects.toMatchObject({ code: 'CONNECTION_DISCONNECTED' });
    expect(asked).toEqual(['link-session.attempt.start', 'link-session.page', gone]);
  });

  it('ends in the same way when the connection was deleted', async () => {
    await expect(begin('plaid')).rejects.toMatchObject({ code: 'CONNECTION_DISCONNECTED' });
    expect(asked.at(-1)).toBe(gone);
  });

  it('ends also when the credential is lost that Plaid wants to see', async () => {
    [connection, isLost] = [{ state: 'connected' }, true];
    await expect(begin('plaid')).rejects.toMatchObject({ code: 'GONE' });
    expect(asked).toEqual(['link-session.attempt.start', 'link-session.page', lost]);
  });
});

describe('an attempt that the bank refuses', () => {
  const refused = 'link-session.attempt.refuse NO_ACCOUNTS';
  beforeEach(() => void ([verdict, logger.level] = ['NO_ACCOUNTS', 'silent']));

  it('leaves no login at Teller', async () => {
    attempt = received('teller');
    await expect(attempts.advance('a')).rejects.toMatchObject({ code: 'PROVIDER_ERROR' });
    expect([asked, attempt]).toEqual([[claim, refused, 'remove token of the page', 'destroy c'], null]);
  });

  it('is neither refused nor removed by a worker whose lease has lapsed', async () => {
    failing = ['assertLeased'];
    await expect(attempts.advance('a')).rejects.toThrow();
    expect([asked, attempt?.state]).toEqual([[claim, 'release'], 'received']);
  });

  it.each(['markUnwanted', 'close'])(
    'does not come back to life when %s fails, though the bank is well by then',
    async (step) => {
      [connection, failing] = [{ state: 'connected' }, [step]];
      attempt = { ...received('plaid'), action: 'relink' };
      await expect(attempts.advance('a')).rejects.toThrow();
      expect(attempt).not.toBeNull();
      verdict = null;
      await attempts.advance('a').catch(() => undefined);
      expect([recorded, attempt]).toEqual([[], null]);
      expect(asked).not.toContain(settle);
    },
  );
});

it('a link whose user was deleted opens no dialog, and ends when an attempt is started', async () => {
  user = null;
  const start = { context: {}, token_hash: 'h', provider: 'plaid', language: 'en' };
  const asking = controller.start(start as Parameters<LinkAttemptController['start']>[0]);
  await expect(asking).rejects.toMatchObject({ code: 'GONE' });
  expect(asked).toEqual(['link-session.attempt.start', refusal]);
});

/** The bank answers an exchange only when it is told to. */
function slowBank() {
  let answers!: () => void;
  const answered = new Promise<void>((resolve) => (answers = resolve));
  const { exchange } = bank;
  const exchanging = jest.spyOn(bank, 'exchange').mockImplementation(() => answered.then(exchange));
  return { answers, exchanging };
}
afterEach(() => void jest.restoreAllMocks());

it('an attempt that is under way here is not begun again, though its lease is said to have lapsed', async () => {
  const { answers, exchanging } = slowBank();
  const first = attempts.advance('a');
  const second = attempts.advance('a');
  await new Promise(setImmediate);
  answers();
  await Promise.all([first, second]);
  expect(exchanging).toHaveBeenCalledTimes(1);
  expect([recorded, attempt]).toEqual([['c'], null]);
});

describe('a stop', () => {
  it('waits for an attempt whose caller has gone on: what the bank gives is lost otherwise', async () => {
    const { answers } = slowBank();
    void attempts.advance('a');
    let isStopped = false;
    const stopped = attempts.onApplicationShutdown().then(() => (isStopped = true));
    await new Promise(setImmediate);
    expect(isStopped).toBe(false);
    answers();
    await stopped;
    expect([recorded, attempt]).toEqual([['c'], null]);
  });
});
