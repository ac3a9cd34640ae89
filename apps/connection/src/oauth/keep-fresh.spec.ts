import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import { logger } from '#service/logger.js';
import { CredentialLost } from '../credentials.service.js';
import type { FinishLinks } from './finish-links.js';
import { KeepFresh } from './keep-fresh.js';
import type { OAuthClients } from './oauth-clients.js';
import type { OAuthTokens } from './oauth-tokens.js';
import { OAuthError } from './tokens.js';

/** Whether we are a client of the server, what a refresh comes to, and how often the credential was opened for one. */
let isRegistered: boolean;
let expires_at: string | null;
let trouble: Error;
let opened: number;
let keeper: KeepFresh;

/** The connections that are due; those whose pause is not over, or that were done, are left out, as the statement says. */
let due: string[];
const query = (text: string, [, leftOut]: [string, string[]]) => {
  const wanted = text.includes('order by') ? due.filter((id) => !leftOut.includes(id)) : due;
  return Promise.resolve(wanted.slice(0, 20).map((id) => ({ id, server_id: 'shop', expires_at })));
};
let fresh: (id: string) => Promise<null>;
/** What a refresh has given and could not be written down. */
let inHand: string[];
const of = () => {
  if (!isRegistered) throw new DomainError('SERVER_OAUTH_NOT_CONFIGURED');
};

beforeEach(() => {
  logger.level = 'silent';
  jest.useFakeTimers();
  [isRegistered, expires_at, opened, due, inHand] = [true, null, 0, ['c'], []];
  fresh = () => {
    opened += 1;
    return Promise.reject(trouble);
  };
  const parts = [
    {
      fresh: (id: string) => fresh(id),
      isInHand: (id: string) => inHand.includes(id),
      forgetOutdated: () => Promise.resolve(),
    },
    { resume: () => Promise.resolve() },
    { of },
  ] as unknown[];
  const [tokens, links, clients] = parts as [OAuthTokens, FinishLinks, OAuthClients];
  keeper = new KeepFresh({ query } as unknown as DataSource, tokens, links, clients);
  keeper.onApplicationBootstrap();
});

afterEach(() => {
  void keeper.beforeApplicationShutdown();
  jest.useRealTimers();
});

/** A minute, of which only the last moments are gone through. */
const aMinute = async () => {
  jest.setSystemTime(Date.now() + 57_000);
  await jest.advanceTimersByTimeAsync(3_000);
};

/** How often it is opened in so many hours, once as many have passed. */
const openedIn = async (hours: number) => {
  for (let minute = 0; minute < hours * 60; minute++) await aMinute();
  const before = opened;
  for (let minute = 0; minute < hours * 60; minute++) await aMinute();
  return opened - before;
};

it('a credential is not opened for a refresh at a server of which we are no client', async () => {
  isRegistered = false;
  await openedIn(1);
  expect(opened).toBe(0);
});

it('it is opened, so that the connection expires, where there is nothing to refresh it with', async () => {
  [isRegistered, expires_at] = [false, '2026-01-01T12:00:00.000Z'];
  trouble = new OAuthError('refresh_token_dead');
  await openedIn(1);
  expect(opened).toBeGreaterThan(0);
});

it('a provider that refuses us is asked every few hours, not every few minutes', async () => {
  trouble = new OAuthError('provider_rejected');
  expect(await openedIn(12)).toBe(2);
});

it('a credential that the vault has lost is looked for every few hours, not every few minutes', async () => {
  trouble = new CredentialLost();
  expect(await openedIn(12)).toBe(2);
});

it('a provider that is away is asked every five minutes', async () => {
  trouble = new OAuthError('provider_unreachable');
  expect(await openedIn(1)).toBeGreaterThan(10);
});

it('a round goes on while there are others, and takes each once, though the view does not show yet that it was done', async () => {
  due = Array.from({ length: 50 }, (_, n) => `c${n}`);
  const refreshed: string[] = [];
  fresh = (id) => Promise.resolve((refreshed.push(id), null));
  await jest.advanceTimersByTimeAsync(3_000);
  expect(refreshed).toEqual(due);
});

it('a round ends with what could not be written down, which the next one takes first, as its lease is short', async () => {
  due = Array.from({ length: 50 }, (_, n) => `c${n}`);
  const refreshed: string[] = [];
  fresh = (id) => {
    refreshed.push(id);
    if (id !== 'c7') return Promise.resolve(null);
    inHand = [id];
    return Promise.reject(new Error('the database is away'));
  };
  await jest.advanceTimersByTimeAsync(3_000);
  expect(refreshed).toEqual(due.slice(0, 20));
  due = due.slice(7);
  await jest.advanceTimersByTimeAsync(3_000);
  expect(refreshed[20]).toBe('c7');
});

it('a stop waits for the provider that is being asked, as what it gives is lost otherwise', async () => {
  let answers!: (nothing: null) => void;
  fresh = () => new Promise((resolve) => void (answers = resolve));
  await jest.advanceTimersByTimeAsync(3_000);
  let isStopped = false;
  const stopped = keeper.beforeApplicationShutdown().then(() => (isStopped = true));
  await jest.advanceTimersByTimeAsync(8_000);
  expect(isStopped).toBe(false);
  answers(null);
  await stopped;
});
