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
  private readonly rounds = new Sweep({
    everyMs: EVERY_MS,
    work: () => this.sweep(),
    failure: 'resuming work failed; it comes again',
  });

  constructor(
    private readonly journal: AttemptJournal,
    private readonly attempts: LinkAttempts,
    private readonly storage: SweepStorage,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): void {
    this.rounds.stop();
  }

  private async sweep(): Promise<void> {
    await this.storage.sweep();
    await this.journal.forgetAbandoned();
    for (const attemptId of await this.journal.unfinished()) {
      await this.attempts.advance(attemptId).catch((error: unknown) => {
        logger.info({ attemptId, error: String(error) }, 'an attempt is not finished yet');
      });
    }
  }
}
