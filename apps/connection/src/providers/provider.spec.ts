import { describe, expect, it } from '@jest/globals';
import { accountsFingerprint, ProviderError, sharesAccounts } from './provider.js';

describe('the fingerprint of accounts', () => {
  it('does not depend on the order and tells no id', () => {
    expect(accountsFingerprint(['b', 'a'])).toBe(accountsFingerprint(['a', 'b']));
    expect(accountsFingerprint(['account-77'])).not.toContain('77');
  });

  it('knows the same login again when an account was opened or closed since', () => {
    const before = accountsFingerprint(['a', 'b']);
    expect(sharesAccounts(before, accountsFingerprint(['b', 'c', 'd']))).toBe(true);
    expect(sharesAccounts(before, accountsFingerprint(['c', 'd']))).toBe(false);
  });

  it('takes no accounts at all for nobody', () => {
    const none = accountsFingerprint([]);
    expect(sharesAccounts(none, none)).toBe(false);
  });
});

describe('a provider error', () => {
  it('says its code and nothing else', () => {
    const error = new ProviderError('ITEM_LOCKED', { retryable: false, displayMessage: null });
    expect([error.message, error.displayMessage]).toEqual(['The provider answered ITEM_LOCKED', '']);
  });
});
