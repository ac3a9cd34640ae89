import { randomUUID } from 'node:crypto';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import type { SessionView } from '#contracts/link-session.js';
import { Sweep } from '#service/sweep.js';
import { SessionQueries } from './session-queries.js';
import { Sessions } from './sessions.service.js';

const EVERY_MS = 1_000;
const DEADLINE_MS = 4_000;

/** Records as an event what every reader already sees: that a session's time has passed. */
@Injectable()
export class ExpireSessions implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Sweep({
    everyMs: EVERY_MS,
    work: () => this.sweep(),
    failure: 'the expiry sweep failed; it comes again',
  });

  constructor(
    private readonly sessions: Sessions,
    private readonly queries: SessionQueries,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): void {
    this.rounds.stop();
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
