import { beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { freshTokens, type StoredTokens, type TokenStore } from './fresh-tokens.js';
import { OAuthError, type OAuthErrorCode, type Tokens } from './tokens.js';

const start = new Date('2026-01-15T12:00:00Z').getTime();
const after = (seconds: number): Date => new Date(start + seconds * 1000);

/** Good for an hour; the fifth of it, cut to five minutes, is when it is refreshed. */
const tokens = (more: Partial<Tokens> = {}): Tokens => ({
  accessToken: 'access-0',
  refreshToken: 'refresh-0',
  obtainedAt: after(0),
  expiresAt: after(3600),
  scope: null,
  metadata: {},
  ...more,
});

const byOther = tokens({ accessToken: 'access-2', expiresAt: after(9999) });

let clock: Date;
let stored: StoredTokens | null;
/** How often the credential was opened. */
let opened: number;
let lease: { holder: string; until: number } | null;
let expired: string[];
let refreshes: string[];
let outcome: (refreshToken: string) => Promise<Tokens | null>;

const store: TokenStore = {
  read: async () => {
    opened += 1;
    await delay(1);
    return stored;
  },
  version: () => Promise.resolve(stored?.version ?? null),
  replace: async (_id, version, next) => {
    await delay(1);
    if (stored?.version !== version) return false;
    stored = { tokens: next, version: `${version}+` };
    return true;
  },
  expire: (_id, version) => Promise.resolve(void expired.push(version)),
  takeLease: async (_id, holder, milliseconds) => {
    await delay(1);
    if (lease && lease.holder !== holder && lease.until > Date.now()) return false;
    lease = { holder, until: Date.now() + milliseconds };
    return true;
  },
  dropLease: (_id, holder) => {
    if (lease?.holder === holder) lease = null;
    return Promise.resolve();
  },
};

const replica = (waitMs = 60_000) =>
  freshTokens({
    store,
    refresh: async (_id, { refreshToken }) => {
      refreshes.push(refreshToken);
      await delay(30);
      return outcome(refreshToken);
    },
    now: () => clock,
    waitMs,
  });

const failing = (code: OAuthErrorCode) => (): Promise<Tokens> => Promise.reject(new OAuthError(code));

beforeEach(() => {
  clock = after(3600 - 120);
  stored = { tokens: tokens(), version: '1' };
  [lease, opened] = [null, 0];
  expired = [];
  refreshes = [];
  outcome = () =>
    Promise.resolve(
      tokens({ accessToken: 'access-1', refreshToken: 'refresh-1', obtainedAt: clock, expiresAt: after(9999) }),
    );
});

describe('tokens', () => {
  it.each([
    ['early', {}, 600],
    ['that do not expire', { expiresAt: null }, 99_999],
    ['that cannot be refreshed but live', { refreshToken: null }, 3599],
    ['of a minute, in their first half', { expiresAt: after(60) }, 30],
  ])('%s are used as they are', async (_when, more, at) => {
    [stored, clock] = [{ tokens: tokens(more), version: '1' }, after(at)];
    expect(await replica()('c')).toBe(stored.tokens);
    expect(refreshes).toEqual([]);
  });

  it.each([
    ['five minutes before their end', {}, 3300],
    ['after their end', {}, 4000],
    ['of a minute, in the last fifth', { expiresAt: after(60) }, 48],
  ])('%s are refreshed and stored', async (_when, more, at) => {
    [stored, clock] = [{ tokens: tokens(more), version: '1' }, after(at)];
    expect(await replica()('c')).toMatchObject({ accessToken: 'access-1' });
    expect(stored).toMatchObject({ version: '1+', tokens: { refreshToken: 'refresh-1' } });
    expect(refreshes).toEqual(['refresh-0']);
    expect(lease).toBeNull();
  });

  it('of a connection that is not live are none', async () => {
    stored = null;
    expect(await replica()('c')).toBeNull();
  });
});

describe('one refresh', () => {
  it('serves a hundred callers at a time, who open the credential once before it and once under the lease', async () => {
    const fresh = replica();
    const all = await Promise.all(Array.from({ length: 100 }, () => fresh('c')));
    expect([refreshes, opened]).toEqual([['refresh-0'], 2]);
    expect(new Set(all.map((each) => each?.accessToken))).toEqual(new Set(['access-1']));
  });

  it('serves a hundred callers over four replicas, when the old token is over', async () => {
    clock = after(4000);
    const replicas = Array.from({ length: 4 }, () => replica());
    const all = await Promise.all(Array.from({ length: 100 }, (_, at) => replicas[at % 4]!('c')));
    expect(refreshes).toEqual(['refresh-0']);
    expect(new Set(all.map((each) => each?.accessToken))).toEqual(new Set(['access-1']));
  });

  it('keeps nobody waiting at another replica as long as the old token lives', async () => {
    const [one, other] = [replica(), replica()];
    const ready = outcome;
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const begun = new Promise<void>((resolve) => {
      outcome = async (token) => {
        resolve();
        await gate;
        return ready(token);
      };
    });
    const first = one('c');
    await begun;
    expect(await other('c')).toMatchObject({ accessToken: 'access-0' });
    open();
    expect(await first).toMatchObject({ accessToken: 'access-1' });
    expect(refreshes).toHaveLength(1);
  });

  it('is done by the next when the holder of the lease died', async () => {
    clock = after(4000);
    lease = { holder: 'dead', until: Date.now() + 150 };
    expect(await replica()('c')).toMatchObject({ accessToken: 'access-1' });
  });

  it('is not waited for without end, and nothing is opened meanwhile', async () => {
    clock = after(4000);
    lease = { holder: 'stuck', until: Date.now() + 60_000 };
    await expect(replica(300)('c')).rejects.toMatchObject({ code: 'provider_unreachable' });
    expect([refreshes, opened]).toEqual([[], 1]);
  });

  it.each<[string, () => StoredTokens | null, Tokens | null]>([
    ['what another replica has stored', () => ({ tokens: byOther, version: '1+' }), byOther],
    ['nothing once the connection has ended', () => null, null],
  ])('that is waited for brings %s', async (_what, then, answer) => {
    clock = after(4000);
    lease = { holder: 'other', until: Date.now() + 60_000 };
    const waiting = replica()('c');
    await delay(20);
    stored = then();
    expect([await waiting, refreshes, opened]).toEqual([answer, [], 2]);
  });

  it('does not touch a credential that was set meanwhile', async () => {
    const byHand = { tokens: tokens({ accessToken: 'by hand', expiresAt: null }), version: '2' };
    const ready = outcome;
    outcome = (token) => {
      stored = byHand;
      return ready(token);
    };
    expect(await replica()('c')).toBe(byHand.tokens);
    expect(stored).toBe(byHand);
  });

  it('that was not done, as the credential is another one by now, leaves what stands there to be used', async () => {
    const byHand = { tokens: tokens({ accessToken: 'by hand', expiresAt: null }), version: '2' };
    outcome = () => {
      stored = byHand;
      return Promise.resolve(null);
    };
    expect(await replica()('c')).toBe(byHand.tokens);
  });

  it('brings no revoked connection back', async () => {
    const ready = outcome;
    outcome = (token) => {
      stored = null;
      return ready(token);
    };
    expect(await replica()('c')).toBeNull();
    expect(stored).toBeNull();
  });
});

describe('a refresh that fails', () => {
  it('with a dead refresh token makes the connection expired', async () => {
    outcome = failing('refresh_token_dead');
    await expect(replica()('c')).rejects.toMatchObject({ code: 'refresh_token_dead' });
    expect([expired, lease]).toEqual([['1'], null]);
  });

  it('for want of a refresh token, when the token is over, makes the connection expired', async () => {
    [stored, clock] = [{ tokens: tokens({ refreshToken: null }), version: '1' }, after(3600)];
    await expect(replica()('c')).rejects.toMatchObject({ code: 'refresh_token_dead' });
    expect([expired, refreshes]).toEqual([['1'], []]);
  });

  it.each(['provider_unreachable', 'provider_rejected'] as const)(
    'with %s leaves the token in use while it lives',
    async (code) => {
      outcome = failing(code);
      expect(await replica()('c')).toMatchObject({ accessToken: 'access-0' });
      expect([refreshes.length, expired]).toEqual([1, []]);
    },
  );

  it('is an error once the token is over, and the next caller tries again', async () => {
    clock = after(4000);
    const ready = outcome;
    outcome = failing('provider_unreachable');
    const fresh = replica();
    await expect(fresh('c')).rejects.toMatchObject({ code: 'provider_unreachable' });
    expect(expired).toEqual([]);
    outcome = ready;
    expect(await fresh('c')).toMatchObject({ accessToken: 'access-1' });
  });
});
