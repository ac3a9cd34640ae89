import { describe, expect, it } from '@jest/globals';
import type { Announcements } from '#contracts/subjects.js';
import type { Bus } from '#service/bus.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { KnownUsers } from './known-users.js';

const context = contextFor(newTenant());

/** A bus on which the connection service answers with `answer`, and that hands over what is announced. */
function busWith(answer: () => Promise<boolean>) {
  let hear: (say: Announcements['link-session.user-deleted']['say']) => void = () => undefined;
  const asked: string[] = [];
  const bus = {
    ask: (_: string, { id }: { id: string }) => (asked.push(id), answer()),
    listen: (_: string, callback: typeof hear) => void (hear = callback),
  } as unknown as Bus;
  return { users: new KnownUsers(bus), asked, deleted: (user_id: string) => hear({ user_id }) };
}

describe('a user who exists', () => {
  it('is asked for once', async () => {
    const { users, asked } = busWith(() => Promise.resolve(true));
    expect([await users.exists(context, 'u'), await users.exists(context, 'u')]).toEqual([true, true]);
    expect(asked).toEqual(['u']);
  });

  it('is believed no more once the connection service says that they were deleted', async () => {
    const answers = [true, false];
    const { users, deleted } = busWith(() => Promise.resolve(answers.shift()!));
    expect(await users.exists(context, 'u')).toBe(true);
    deleted('u');
    expect(await users.exists(context, 'u')).toBe(false);
  });

  it('is not believed when they are deleted while the answer is on its way', async () => {
    let arrive!: (yes: boolean) => void;
    const { users, deleted } = busWith(() => new Promise<boolean>((resolve) => (arrive = resolve)));
    const asking = users.exists(context, 'u');
    deleted('u');
    arrive(true);
    expect(await asking).toBe(false);
  });
});
