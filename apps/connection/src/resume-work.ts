import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { logger } from '#service/logger.js';
import { Sweep } from '#service/sweep.js';
import { AttemptJournal } from './attempt-journal.js';
import { LinkAttempts } from './link-attempts.service.js';
import { SweepStorage } from './sweep-storage.js';

const EVERY_MS = 2_000;

/** Takes up what a worker that died left half done, and attempts whose bank did not answer. */
@Injectable()
export class ResumeWork implements OnApplicationBootstrap, OnApplicationShutdown {
  /** Each by itself: much that lies about must keep no attempt waiting. */
  private readonly rounds = [
    new Sweep({
      everyMs: EVERY_MS,
      work: () => this.storage.sweep(),
      failure: 'sweeping what is stored failed; it comes again',
    }),
    new Sweep({
      everyMs: EVERY_MS,
      work: () => this.journal.forgetAbandoned(),
      failure: 'forgetting abandoned attempts failed; it comes again',
    }),
    new Sweep({
      everyMs: EVERY_MS,
      work: () => this.advance(),
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

  onApplicationShutdown(): void {
    for (const rounds of this.rounds) rounds.stop();
  }

  private async advance(): Promise<void> {
    for (const attemptId of await this.journal.unfinished()) {
      await this.attempts.advance(attemptId).catch((error: unknown) => {
        logger.info({ attemptId, error: String(error) }, 'an attempt is not finished yet');
      });
    }
  }
}
