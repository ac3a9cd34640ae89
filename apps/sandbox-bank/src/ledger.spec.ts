import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Item, Ledger } from './ledger.js';

const item = (more: Partial<Item> = {}): Item => ({
  id: 'item_1',
  provider: 'plaid',
  institutionId: 'ins_109508',
  person: 'user_good',
  state: 'live',
  loginRequired: false,
  webhook: null,
  verified: 0,
  removedAccounts: [],
  ...more,
});

describe('the ledger', () => {
  let folder: string;
  let open: Ledger[];
  const path = () => join(folder, 'deep', 'ledger.jsonl');
  const opened = (): Ledger => {
    const ledger = new Ledger(path());
    open.push(ledger);
    return ledger;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ledger-'));
    open = [];
  });
  afterEach(() => {
    for (const ledger of open) ledger.close();
    rmSync(folder, { recursive: true });
  });

  it('is the same after the process is gone, without having been closed', () => {
    const before = opened();
    before.putItem(item());
    before.putItem(item({ state: 'removed', verified: 3 }));
    const link = before.addLinkToken({ clientName: 'Us', webhook: null, itemId: null, expiresAt: Date.now() + 1000 });

    const after = opened();
    expect(after.items()).toEqual([item({ state: 'removed', verified: 3 })]);
    expect(after.linkToken(link)?.clientName).toBe('Us');
    expect(after.bank).toEqual(before.bank);
    expect(after.itemByAccessToken(before.accessTokenOf(item()))?.id).toBe('item_1');
  });

  it('forgets only the line that was torn by a kill', () => {
    const before = opened();
    before.putItem(item());
    appendFileSync(path(), '{"kind":"item","id":"item_2","va');

    const after = opened();
    expect(after.items()).toEqual([item()]);
    after.putItem(item({ id: 'item_3' }));
    expect(opened().items()).toHaveLength(2);
  });

  it('starts again with a line that was spoilt, and keeps all others', () => {
    opened().putItem(item());
    appendFileSync(path(), '{"kind":"item","id":"item_2","va{"kind":"item"}\n');
    appendFileSync(path(), `${JSON.stringify({ kind: 'item', id: 'item_3', value: item({ id: 'item_3' }) })}\n`);
    expect(opened().items()).toEqual([item(), item({ id: 'item_3' })]);
  });

  it('drops overwritten lines and expired tokens when it is opened', () => {
    const before = opened();
    for (let read = 0; read < 50; read += 1) before.putItem(item({ verified: read }));
    const expired = before.addLinkToken({ clientName: 'Us', webhook: null, itemId: null, expiresAt: Date.now() - 1 });
    expect(before.linkToken(expired)).toBeUndefined();

    opened();
    const lines = readFileSync(path(), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(2);
  });

  it('keeps no access, link or public token in the file', () => {
    const ledger = opened();
    ledger.putItem(item());
    const tokens = [
      ledger.accessTokenOf(item()),
      ledger.addLinkToken({ clientName: 'Us', webhook: null, itemId: null, expiresAt: Date.now() + 1000 }),
      ledger.addPublicToken({ item: item(), expiresAt: Date.now() + 1000 }),
    ];
    const text = readFileSync(path(), 'utf8');
    for (const token of tokens) expect(text).not.toContain(token.replace(/^\w+-\w+-/, ''));
  });
});
