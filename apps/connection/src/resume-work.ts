import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { logger } from '#service/logger.js';
import { Sweep } from '#service/sweep.js';
import { AttemptJournal } from './attempt-journal.js';
import { LinkAttempts } from './link-attempts.service.js';
import { SweepStorage } from './sweep-storage.js';

const EVERY_MS = 2_000;

/** Takes up what a worker that died left half done, and attempts whose bank did not answer. */
@Injectable()
export class ResumeWork implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** Each by itself: much that lies about must keep no attempt waiting. */
  private readonly rounds = [
    new Sweep({
      everyMs: EVERY_MS,
      work: (stopping) => this.storage.sweep(stopping),
      failure: 'sweeping what is stored failed; it comes again',
    }),
    new Sweep({
      everyMs: EVERY_MS,
      work: () => this.journal.forgetAbandoned(),
      failure: 'forgetting abandoned attempts failed; it comes again',
    }),
    new Sweep({
      everyMs: EVERY_MS,
      work: (stopping) => this.advance(stopping),
      failure: 'resuming work failed; it comes again',
    }),
  ];

  constructor(
    private readonly journal: AttemptJournal,
    private readonly attempts: LinkAttempts,
    private readonly storage: SweepStorage,
  ) {}

  onApplicationBootstrap(): void {
    for (const rounds of this.rounds) rounds.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.rounds.map((rounds) => rounds.stop()));
  }

  /** Together: of a round, a bank that does not answer keeps only its own waiting. */
  private async advance(stopping: AbortSignal): Promise<void> {
    const unfinished = await this.journal.unfinished();
    if (stopping.aborted) return;
    await Promise.all(unfinished.map((attemptId) => this.advanceOne(attemptId)));
  }

  private async advanceOne(attemptId: string): Promise<void> {
    await this.attempts.advance(attemptId).catch((error: unknown) => {
      logger.info({ attemptId, error: String(error) }, 'an attempt is not finished yet');
    });
  }
}
