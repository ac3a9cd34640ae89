import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { logger } from '#service/logger.js';
import { AttemptJournal } from './attempt-journal.js';
import { Connections } from './connections.service.js';
import { CredentialStorage } from './credential-storage.js';
import { LinkAttempts } from './link-attempts.service.js';

const EVERY_MS = 2_000;

/** Takes up what a worker that died left half done, and attempts whose bank did not answer. */
@Injectable()
export class ResumeWork implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly journal: AttemptJournal,
    private readonly attempts: LinkAttempts,
    private readonly credentials: CredentialStorage,
    private readonly connections: Connections,
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
    for (const id of await this.credentials.leftOver()) await this.credentials.destroy(id);
    for (const suspect of await this.credentials.suspects()) {
      await this.credentials.destroyUnlessNamed(suspect, await this.connections.find(suspect.connection_id));
    }
    await this.journal.forgetAbandoned();
    for (const attemptId of await this.journal.unfinished()) {
      await this.attempts.advance(attemptId).catch((error: unknown) => {
        logger.info({ attemptId, error: String(error) }, 'an attempt is not finished yet');
      });
    }
  }
}
