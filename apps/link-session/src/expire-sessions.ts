import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { systemContext } from '#contracts/envelope.js';
import { Sweep } from '#service/sweep.js';
import { SessionQueries } from './session-queries.js';
import { Sessions } from './sessions.service.js';

const EVERY_MS = 1_000;

/** Records as an event what every reader already sees: that a session's time has passed. */
@Injectable()
export class ExpireSessions implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds = new Sweep({
    everyMs: EVERY_MS,
    work: (stopping) => this.sweep(stopping),
    failure: 'the expiry sweep failed; it comes again',
  });

  constructor(
    private readonly sessions: Sessions,
    private readonly queries: SessionQueries,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  private async sweep(stopping: AbortSignal): Promise<void> {
    const now = new Date().toISOString();
    for (const session of await this.queries.expired(now)) {
      if (stopping.aborted) return;
      await this.sessions.command(session.id, { type: 'ExpireSession', now }, systemContext(session, expiry));
    }
  }
}

const expiry = { id: 'expiry', name: 'expiry sweep' };
