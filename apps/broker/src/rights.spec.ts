import { describe, expect, it } from '@jest/globals';
import { rightsOf } from './rights.js';

const account = { user: 'key', password: '', publish: ['gateway.>'], subscribe: ['key.>'] };

describe('rights', () => {
  it('are those of the account', () => {
    const rights = rightsOf(account);
    expect([rights.mayPublish('gateway.x'), rights.mayPublish('key.x')]).toEqual([true, false]);
    expect([rights.maySubscribe('key.x'), rights.maySubscribe('gateway.x')]).toEqual([true, false]);
  });

  it('let a request be answered once', () => {
    const rights = rightsOf(account);
    rights.expectReply('_INBOX_gateway.1');
    expect([rights.mayPublish('_INBOX_gateway.2'), rights.mayPublish('_INBOX_gateway.1')]).toEqual([false, true]);
    expect(rights.mayPublish('_INBOX_gateway.1')).toBe(false);
  });

  it('let a request be answered for two minutes', () => {
    let now = 0;
    const rights = rightsOf(account, () => now);
    rights.expectReply('_INBOX_gateway.late');
    now = 120_000;
    expect(rights.mayPublish('_INBOX_gateway.late')).toBe(false);
  });
});
