import { describe, expect, it } from '@jest/globals';
import type { SessionView } from '#contracts/link-session.js';
import { changesSince } from './session-changes.js';

const at = (minute: number) => `2026-01-01T12:0${minute}:00.000Z`;
const session = { status: 'active', expires_at: at(5), in_flight: [] as string[] } as SessionView;
const all = [
  { position: '1', session: { ...session, status: 'pending' as const } },
  { position: '2', session },
];

describe('what a watcher of a session hears', () => {
  it('is how it stands, first', () =>
    expect(changesSince(undefined, all, at(4))).toEqual({ changes: [all[1]], ended: false }));

  it('is that its time is over, also before that is recorded', () => {
    const expired = { position: '2', session: { ...session, status: 'expired' } };
    expect(changesSince(undefined, all, at(5))).toEqual({ changes: [expired], ended: true });
  });

  it('is each change since the one it heard last', () => {
    expect(changesSince('1', all, at(5))).toEqual({ changes: [all[1]], ended: false });
    expect(changesSince('2', all, at(5))).toEqual({ changes: [], ended: false });
  });
});
