import { describe, it } from '@jest/globals';
import type { UserCommand, UserEvent } from '#contracts/user.js';
import { specification } from '#testing/given.js';
import { email } from './email.decider.js';
import { user } from './user.decider.js';

const now = '2026-01-01T12:00:00.000Z';
const facts = {
  id: 'u-1',
  short_id: 'abcdefgh',
  project_id: 'prj_1',
  environment: 'live' as const,
  name: 'Ada',
  email: 'ada@example.com',
};
const created: UserEvent = { type: 'UserCreated', ...facts, at: now };
const deleted: UserEvent = { type: 'UserDeleted', at: now };

describe('a user', () => {
  const given = specification(user);
  const create: UserCommand = { type: 'CreateUser', ...facts, now };
  it('is created', () => given().when(create).then(created));
  it('never takes a short_id that was given out before', () => {
    given(created).when(create).thenRefused('ID_TAKEN');
    given(created, deleted).when(create).thenRefused('ID_TAKEN');
  });
  it('keeps what is not mentioned', () =>
    given(created)
      .when({ type: 'UpdateUser', name: 'Grace', now })
      .then({ type: 'UserUpdated', name: 'Grace', email: 'ada@example.com', at: now }));
  it('can lose the e-mail address', () =>
    given(created)
      .when({ type: 'UpdateUser', email: null, now })
      .then({ type: 'UserUpdated', name: 'Ada', email: null, at: now }));
  it('does not change by the same values', () =>
    given(created).when({ type: 'UpdateUser', name: 'Ada', now }).thenNothing());
  it('is deleted once, and then unknown', () => {
    given(created).when({ type: 'DeleteUser', now }).then(deleted);
    given(created, deleted).when({ type: 'DeleteUser', now }).thenRefused('NOT_FOUND');
    given().when({ type: 'UpdateUser', name: 'x', now }).thenRefused('NOT_FOUND');
  });
});

describe('an e-mail address', () => {
  const given = specification(email);
  it('goes to who claims it first', () =>
    given().when({ type: 'ClaimEmail', user_id: 'a' }).then({ type: 'EmailClaimed', user_id: 'a' }));
  it('is claimed anew by its holder, so that the claim is young again', () =>
    given({ type: 'EmailClaimed', user_id: 'a' })
      .when({ type: 'ClaimEmail', user_id: 'a' })
      .then({ type: 'EmailClaimed', user_id: 'a' }));
  it('is refused to another', () =>
    given({ type: 'EmailClaimed', user_id: 'a' })
      .when({ type: 'ClaimEmail', user_id: 'b' })
      .thenRefused('EMAIL_CONFLICT'));
  it('goes to another when nothing came of the claim', () =>
    given({ type: 'EmailClaimed', user_id: 'a' })
      .when({ type: 'ClaimEmail', user_id: 'b', evict: 1 })
      .then({ type: 'EmailClaimed', user_id: 'b' }));
  it.each(['a', 'c'])('is not taken when it was claimed again meanwhile, by %s', (user_id) =>
    given({ type: 'EmailClaimed', user_id: 'a' }, { type: 'EmailClaimed', user_id })
      .when({ type: 'ClaimEmail', user_id: 'b', evict: 1 })
      .thenRefused('EMAIL_CONFLICT'),
  );
  it('is free again once released, and only by its holder', () => {
    given({ type: 'EmailClaimed', user_id: 'a' })
      .when({ type: 'ReleaseEmail', user_id: 'a' })
      .then({ type: 'EmailReleased', user_id: 'a' });
    given({ type: 'EmailClaimed', user_id: 'a' }).when({ type: 'ReleaseEmail', user_id: 'b' }).thenNothing();
    given({ type: 'EmailClaimed', user_id: 'a' }, { type: 'EmailReleased', user_id: 'a' })
      .when({ type: 'ClaimEmail', user_id: 'b' })
      .then({ type: 'EmailClaimed', user_id: 'b' });
  });
});
