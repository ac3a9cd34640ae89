import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import type { SessionView } from '#contracts/link-session.js';
import { logger } from '#service/logger.js';
import { SessionQueries } from './session-queries.js';
import { Sessions } from './sessions.service.js';

const EVERY_MS = 1_000;
const DEADLINE_MS = 4_000;

/** Records as an event what every reader already sees: that a session's time has passed. */
@Injectable()
export class ExpireSessions implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(
    private readonly sessions: Sessions,
    private readonly queries: SessionQueries,
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
        .catch((error: unknown) => logger.warn({ error: String(error) }, 'the expiry sweep failed; it comes again'))
        .finally(() => this.next());
    }, EVERY_MS);
  }

  private async sweep(): Promise<void> {
    const now = new Date().toISOString();
    for (const session of await this.queries.expired(now)) {
      await this.sessions.command(session.id, { type: 'ExpireSession', now }, systemContext(session));
    }
  }
}

const systemContext = ({ project_id, environment }: SessionView): Context => ({
  tenant: { project_id, environment },
  actor: { type: 'system', id: 'expiry', name: 'expiry sweep' },
  request_id: randomUUID(),
  command_id: randomUUID(),
  address: null,
  key_prefix: null,
  deadline: Date.now() + DEADLINE_MS,
});
