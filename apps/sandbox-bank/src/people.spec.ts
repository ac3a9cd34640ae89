import { describe, expect, it } from '@jest/globals';
import { accountsOf, institutions, signIn } from './people.js';

const attempt = (username: string, more: object = {}) =>
  signIn({ username, password: 'pass_good', foundDownBefore: false, ...more });

describe('signing in at the sandbox bank', () => {
  it('lets user_good and user_other in', () => {
    expect([attempt('user_good'), attempt('user_other')]).toEqual(['welcome', 'welcome']);
  });

  it.each(['user_good', 'user_locked', 'user_down', 'user_mfa'])('refuses a wrong password of %s', (username) => {
    expect(attempt(username, { password: 'pass_bad' })).toBe('credentials');
  });

  it.each(['nobody', '', 'constructor', '__proto__'])('does not know %j', (username) => {
    expect(attempt(username)).toBe('credentials');
  });

  it('asks user_mfa for the code and takes only the right one', () => {
    const answers = [undefined, '0000', '', '1234'].map((code) => attempt('user_mfa', { code }));
    expect(answers).toEqual(['code_needed', 'code', 'code', 'welcome']);
  });

  it('refuses user_locked, and user_down the first time only', () => {
    expect(attempt('user_locked')).toBe('locked');
    expect(attempt('user_down')).toBe('down');
    expect(attempt('user_down', { foundDownBefore: true })).toBe('welcome');
  });
});

describe('accounts', () => {
  const [platypus, tartan] = institutions;
  const ids = (id: string, institution: (typeof institutions)[number], person: string) =>
    accountsOf({ id, institution, person }).map((account) => account.id);

  it('are the same whenever the same person signs in to the same item', () => {
    expect(ids('item_1', platypus!, 'user_good')).toEqual(ids('item_1', platypus!, 'user_good'));
  });

  it('differ by person, institution and item', () => {
    const all = [
      ids('item_1', platypus!, 'user_good'),
      ids('item_1', platypus!, 'user_other'),
      ids('item_1', tartan!, 'user_good'),
      ids('item_2', platypus!, 'user_good'),
    ].flat();
    expect(new Set(all).size).toBe(8);
  });
});
