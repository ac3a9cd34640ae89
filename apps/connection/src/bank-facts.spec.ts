import { beforeEach, expect, it } from '@jest/globals';
import type { Context } from '#contracts/envelope.js';
import type { AttemptJournal } from './attempt-journal.js';
import { BankFacts } from './bank-facts.js';
import type { ConfiguredProviders } from './configured-providers.js';
import type { Connections } from './connections.service.js';
import type { Credentials } from './credentials.service.js';
import type { AttemptFacts, LinkAttempt } from './link-attempt.entity.js';

const relink = { action: 'relink', provider: 'plaid', needed_repair: true } as LinkAttempt;
let before: string | null;
let shown: string | null;
let learnt: AttemptFacts | null;

const journal = {
  learn: (_attempt: LinkAttempt, facts: AttemptFacts) => Promise.resolve((learnt = facts)),
} as unknown as AttemptJournal;
const bank = { check: () => Promise.resolve({ healthy: true, errorCode: null, accountsFingerprint: shown }) };
const providers = { get: () => bank } as unknown as ConfiguredProviders;
const connections = { read: () => Promise.resolve({ accounts_fingerprint: before }) } as unknown as Connections;
const credentials = { open: () => Promise.resolve('access') } as unknown as Credentials;
const facts = new BankFacts(journal, providers, connections, credentials);
const learn = () => facts.learn(relink, {} as Context);

beforeEach(() => {
  [before, shown, learnt] = [null, 'a.b', null];
});

it('a relink brings the accounts that could not be read when the bank was linked', async () => {
  await learn();
  expect(learnt).toEqual({ outcome: 'repaired', accounts_fingerprint: 'a.b' });
});

it('a relink leaves the accounts that are known as they are, and invents none', async () => {
  before = 'b.c';
  await learn();
  expect(learnt).toEqual({ outcome: 'repaired' });
  for (shown of [null, '']) {
    before = null;
    await learn();
    expect(learnt).toEqual({ outcome: 'repaired' });
  }
});

it('a relink with other accounts than the known ones is refused', async () => {
  before = 'c';
  await expect(learn()).rejects.toMatchObject({ code: 'different_account' });
  expect(learnt).toBeNull();
});
