import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type Position, systemContext } from '#contracts/envelope.js';
import type { SessionView } from '#contracts/link-session.js';
import { Semaphore } from '#service/semaphore.js';
import { logger } from '#service/logger.js';
import { Sweep } from '#service/sweep.js';
import { SessionQueries } from './session-queries.js';
import { SessionViews } from './session-views.js';
import { Sessions } from './sessions.service.js';

const EVERY_MS = 1_000;
const AT_ONCE = 16;

/** Records as an event what every reader already sees: that a session's time has passed. */
@Injectable()
export class ExpireSessions implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds = new Sweep({
    everyMs: EVERY_MS,
    work: (stopping) => this.sweep(stopping),
    failure: 'the expiry sweep failed; it comes again',
  });
  private readonly atOnce = new Semaphore(AT_ONCE);

  constructor(
    private readonly sessions: Sessions,
    private readonly queries: SessionQueries,
    private readonly views: SessionViews,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** Goes on at once while there are more than it looks for: a day's worth may have come together. */
  async sweep(stopping: AbortSignal): Promise<void> {
    let last = -1n;
    for (let isMore = true; isMore && !stopping.aborted;) {
      const { now, due, isAll } = await this.queries.expired();
      // One that cannot be recorded does not keep the others from it.
      const ends = await Promise.allSettled(due.map((one) => this.atOnce.run(() => this.expire(one, now, stopping))));
      const failed = ends.filter((end) => end.status === 'rejected');
      if (failed[0]) logger.warn({ sessions: failed.length, error: String(failed[0].reason) }, 'expiries come again');
      const newest = newestOf(
        ends.flatMap((end) => (end.status === 'fulfilled' && end.value !== null ? [end.value] : [])),
      );
      // Else the same ones would be found again.
      if (newest > last) await this.views.sessions.reached(String(newest));
      isMore = !isAll && newest > last;
      last = newest;
    }
  }

  private async expire(session: SessionView, now: string, stopping: AbortSignal): Promise<Position | null> {
    if (stopping.aborted) return null;
    const context = systemContext(session, expiry);
    return (await this.sessions.command(session.id, { type: 'ExpireSession', now }, context)).position;
  }
}

const expiry = { id: 'expiry', name: 'expiry sweep' };

const newestOf = (positions: Position[]): bigint =>
  positions.map(BigInt).reduce((newest, one) => (one > newest ? one : newest), -1n);
