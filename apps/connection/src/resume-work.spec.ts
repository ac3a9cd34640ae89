import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { logger } from '#service/logger.js';
import type { AttemptJournal } from './attempt-journal.js';
import type { Connections } from './connections.service.js';
import type { CredentialStorage } from './credential-storage.js';
import type { LinkAttempts } from './link-attempts.service.js';
import { ResumeWork } from './resume-work.js';
import { SweepStorage } from './sweep-storage.js';
import type { WebhookDeliveries } from './webhook-deliveries.js';

let done: string[];
let resume: ResumeWork;

const does = (name: string) => () => Promise.resolve(void done.push(name));
const fails = () => Promise.reject(new Error('canceling statement due to statement timeout'));

/** What a round consists of, all of which goes well but for what is said otherwise. */
function begin(
  storage: Partial<CredentialStorage>,
  others: Partial<AttemptJournal> = {},
  advance: LinkAttempts['advance'] = does('attempt'),
): void {
  const credentials = {
    nextStretch: () => Promise.resolve({ after: null, upTo: null }),
    leftOver: () => Promise.resolve(['over']),
    suspects: () => Promise.resolve([{ connection_id: 'unreadable' }, { connection_id: 'orphan' }]),
    destroy: does('left over'),
    destroyUnlessNamed: does('suspect'),
    ...storage,
  } as unknown as CredentialStorage;
  const connections = {
    find: (id: string) => (id === 'unreadable' ? fails() : Promise.resolve(null)),
  } as unknown as Connections;
  const deliveries = { sweep: does('deliveries') } as unknown as WebhookDeliveries;
  const journal = {
    forgetAbandoned: does('abandoned'),
    unfinished: () => Promise.resolve(['a']),
    ...others,
  } as unknown as AttemptJournal;
  const attempts = { advance } as unknown as LinkAttempts;
  resume = new ResumeWork(journal, attempts, new SweepStorage(credentials, connections, deliveries));
  resume.onApplicationBootstrap();
}

beforeEach(() => {
  logger.level = 'silent';
  done = [];
  jest.useFakeTimers();
});
afterEach(() => {
  void resume.beforeApplicationShutdown();
  jest.useRealTimers();
});

const aRound = async () => {
  await jest.advanceTimersByTimeAsync(2_000);
  return done.splice(0).sort();
};

it('a connection that cannot be read keeps nothing else waiting', async () => {
  begin({});
  expect(await aRound()).toEqual(['abandoned', 'attempt', 'deliveries', 'left over', 'suspect']);
});

it('nor does a vault that cannot be looked through in time', async () => {
  begin({ leftOver: fails, suspects: fails });
  expect(await aRound()).toEqual(['abandoned', 'attempt', 'deliveries']);
});

it('nor do attempts that cannot be forgotten', async () => {
  begin({}, { forgetAbandoned: fails });
  expect(await aRound()).toContain('attempt');
});

it('nor storage that takes longer than a round', async () => {
  begin({ leftOver: () => new Promise(() => undefined) });
  expect([await aRound(), await aRound()]).toEqual([
    ['abandoned', 'attempt'],
    ['abandoned', 'attempt'],
  ]);
});

describe('attempts', () => {
  const unfinished = () => Promise.resolve(['a', 'b']);
  const first = (outcome: () => Promise<void>) => (id: string) => (id === 'a' ? outcome() : does('attempt')());

  it.each([
    ['whose bank does not answer', () => new Promise<void>(() => undefined)],
    ['that cannot be finished yet', fails],
  ])('%s keep no other one waiting', async (_which, outcome) => {
    begin({}, { unfinished }, first(outcome));
    expect(await aRound()).toContain('attempt');
  });

  it('that are under way are waited for by a stop', async () => {
    let answers!: () => void;
    begin(
      {},
      { unfinished },
      first(() => new Promise((resolve) => (answers = resolve))),
    );
    await aRound();
    const stopped = resume.beforeApplicationShutdown().then(() => done.push('stopped'));
    await jest.advanceTimersByTimeAsync(2_000);
    expect(done).toEqual([]);
    answers();
    await stopped;
  });
});
