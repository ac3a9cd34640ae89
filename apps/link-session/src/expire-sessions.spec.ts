import { describe, expect, it } from '@jest/globals';
import type { SessionView } from '#contracts/link-session.js';
import { ExpireSessions } from './expire-sessions.js';
import type { SessionQueries } from './session-queries.js';
import type { SessionViews } from './session-views.js';
import type { Sessions } from './sessions.service.js';

const AT_ONCE = 200;
const NOON = '2026-01-01T12:00:00.000Z';

/** A service with so many sessions whose time is over; what is recorded is seen once `reached` has waited for it. */
function serviceWith(count: number, isRecordable: (id: string) => boolean = () => true) {
  const due = new Set(Array.from({ length: count }, (_, n) => `session ${n}`));
  const seen = { atWork: 0, most: 0, looks: 0, position: 0 };
  const recorded: string[] = [];
  const times = new Set<string>();
  const queries = {
    expired: () => {
      seen.looks++;
      const some = [...due].slice(0, AT_ONCE).map((id) => ({ id }) as SessionView);
      return Promise.resolve({ now: NOON, due: some, isAll: some.length < AT_ONCE });
    },
  } as unknown as SessionQueries;
  const sessions = {
    command: async (id: string, { now }: { now: string }) => {
      seen.most = Math.max(seen.most, ++seen.atWork);
      await new Promise(setImmediate);
      seen.atWork--;
      if (!isRecordable(id)) throw new Error('no');
      recorded.push(id);
      times.add(now);
      return { position: String(++seen.position) };
    },
  } as unknown as Sessions;
  const reached = () => Promise.resolve(recorded.forEach((id) => due.delete(id)));
  const views = { sessions: { reached } } as unknown as SessionViews;
  return { expiry: new ExpireSessions(sessions, queries, views), due, recorded, times, seen };
}

describe('the expiry sweep', () => {
  it('records all that is due in one round, several at once', async () => {
    const { expiry, recorded, seen } = serviceWith(450);
    await expiry.sweep(new AbortController().signal);
    expect([recorded.length, new Set(recorded).size, seen.looks, seen.most]).toEqual([450, 450, 3, 16]);
  });

  it('records them by the clock that they were found by', async () => {
    const { expiry, times } = serviceWith(1);
    await expiry.sweep(new AbortController().signal);
    expect([...times]).toEqual([NOON]);
  });

  it('passes over one that cannot be recorded', async () => {
    const { expiry, due, recorded } = serviceWith(30, (id) => id !== 'session 7');
    await expiry.sweep(new AbortController().signal);
    expect([recorded.length, [...due]]).toEqual([29, ['session 7']]);
  });

  it('begins no further one once the service stops', async () => {
    const { expiry, recorded } = serviceWith(450);
    const stopping = new AbortController();
    const sweeping = expiry.sweep(stopping.signal);
    await new Promise(setImmediate);
    stopping.abort();
    await sweeping;
    expect(recorded.length).toBeLessThanOrEqual(32);
  });

  it('looks again with the next round where none can be recorded', async () => {
    const { expiry, seen } = serviceWith(450, () => false);
    await expiry.sweep(new AbortController().signal);
    expect(seen.looks).toBe(1);
  });
});
