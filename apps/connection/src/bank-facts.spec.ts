import { beforeEach, expect, it } from '@jest/globals';
import type { Context } from '#contracts/envelope.js';
import type { AttemptJournal } from './attempt-journal.js';
import { BankFacts } from './bank-facts.js';
import type { ConfiguredProviders } from './configured-providers.js';
import type { Connections } from './connections.service.js';
import type { Credentials } from './credentials.service.js';
import type { AttemptFacts, LinkAttempt } from './link-attempt.entity.js';

const relink = { action: 'relink', provider: 'plaid', needed_repair: true } as LinkAttempt;
let state: string;
let before: string | null;
let shown: string | null;
let learnt: AttemptFacts | null;

const journal = {
  token: () => Promise.resolve('token'),
  learn: (_attempt: LinkAttempt, facts: AttemptFacts) => Promise.resolve((learnt = facts)),
} as unknown as AttemptJournal;
const bank = {
  exchange: () => Promise.resolve({ accountsFingerprint: shown }),
  check: () => Promise.resolve({ healthy: true, errorCode: null, accountsFingerprint: shown }),
};
const providers = { get: () => bank } as unknown as ConfiguredProviders;
const connections = { read: () => Promise.resolve({ accounts_fingerprint: before, state }) } as unknown as Connections;
const credentials = { open: () => Promise.resolve('access') } as unknown as Credentials;
const facts = new BankFacts(journal, providers, connections, credentials);
const learn = () => facts.learn(relink, {} as Context);

beforeEach(() => {
  [state, before, shown, learnt] = ['connected', null, 'a.b', null];
});

it.each([
  ['could not be read', null],
  ['were none', ''],
])('a relink brings the accounts that %s when the bank was linked', async (_why, known) => {
  before = known;
  await learn();
  expect(learnt).toEqual({ outcome: 'repaired', accounts_fingerprint: 'a.b' });
});

it('a link that shows no account knows none', async () => {
  shown = '';
  await facts.learn({ ...relink, action: 'link' }, {} as Context);
  expect(learnt).toMatchObject({ bank: { accounts_fingerprint: null } });
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

it('a relink with other accounts than the known ones, or with none, is refused', async () => {
  before = 'c';
  for (shown of ['a.b', '']) await expect(learn()).rejects.toMatchObject({ code: 'different_account' });
  expect(learnt).toBeNull();
});

it.each([
  ['connected', 'already_healthy'],
  ['needs_reauth', 'repaired'],
  ['error', 'repaired'],
])(
  'a relink that was begun while all was well, and ends while the connection is %s, has it %s',
  async (now, outcome) => {
    [state, before] = [now, 'a.b'];
    await facts.learn({ ...relink, needed_repair: false }, {} as Context);
    expect(learnt).toEqual({ outcome });
  },
);
