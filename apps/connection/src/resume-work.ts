import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { logger } from '#service/logger.js';
import { AttemptJournal } from './attempt-journal.js';
import { LinkAttempts } from './link-attempts.service.js';
import { SweepStorage } from './sweep-storage.js';

const EVERY_MS = 2_000;

/** Takes up what a worker that died left half done, and attempts whose bank did not answer. */
@Injectable()
export class ResumeWork implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly journal: AttemptJournal,
    private readonly attempts: LinkAttempts,
    private readonly storage: SweepStorage,
  ) {}

  onApplicationBootstrap(): void {
    this.next();
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private next(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      void this.sweep()
        .catch((error: unknown) => logger.warn({ error: String(error) }, 'resuming work failed; it comes again'))
        .finally(() => this.next());
    }, EVERY_MS);
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
