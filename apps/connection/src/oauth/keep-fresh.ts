import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import { logger } from '#service/logger.js';
import { Sweep } from '#service/sweep.js';
import { CredentialLost } from '../credentials.service.js';
import { FinishLinks } from './finish-links.js';
import { OAuthClients } from './oauth-clients.js';
import { OAuthTokens } from './oauth-tokens.js';
import { refreshAt } from './stored-tokens.js';
import { OAuthError } from './tokens.js';

const EVERY_MS = 3_000;
const AT_ONCE = 20;
/** Of one round, which goes on as long as there are others. */
const MOST_IN_A_ROUND = 1_000;
const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** Where somebody has to change a setting or put a credential back first, here or at the provider. */
const LONGEST_FOR_A_PERSON_MS = 6 * 3_600_000;
const NOT_OURS = ['SERVER_OAUTH_NOT_CONFIGURED', 'SERVER_UNKNOWN'];
const DUE = "state = 'connected' and token_refresh_at <= $1";

interface Due {
  id: string;
  server_id: string;
  /** Set where there is no refresh token: the provider is not asked then, and the connection expires. */
  expires_at: string | null;
}

/** Refreshes tokens ahead of their end, whether somebody uses them or not, and finishes Connect Links that were left. */
@Injectable()
export class KeepFresh implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rounds = new Sweep({
    everyMs: EVERY_MS,
    work: (stopping) => this.sweep(stopping),
    failure: 'refreshing tokens failed; it comes again',
  });
  /** On its own: refreshes do not wait for a provider that takes its time over a link. */
  private readonly leftLinks = new Sweep({
    everyMs: EVERY_MS,
    work: (stopping) => this.links.resume(stopping),
    failure: 'finishing Connect Links failed; it comes again',
  });
  private readonly pauses = new Map<string, { until: number; ms: number }>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly tokens: OAuthTokens,
    private readonly links: FinishLinks,
    private readonly clients: OAuthClients,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
    this.leftLinks.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.rounds.stop(), this.leftLinks.stop()]);
  }

  private async sweep(stopping: AbortSignal): Promise<void> {
    await this.forgetPauses(new Date().toISOString());
    await this.tokens.forgetOutdated();
    const done: string[] = [];
    let due: Due[];
    do {
      due = await this.due(done);
      if (stopping.aborted) return;
      await Promise.all(due.map((one) => this.refresh(one)));
      done.push(...due.map(({ id }) => id));
    } while (due.length === AT_ONCE && done.length < MOST_IN_A_ROUND && !this.isInHand(due));
  }

  /** What could not be written down is tried again at the next round, while its lease lasts: this one may go on for long. */
  private isInHand(refreshed: Due[]): boolean {
    return refreshed.some(({ id }) => this.tokens.isInHand(id));
  }

  /**
   * Those that have failed come after all others, and not before their pause is over, so that they starve nobody. What was
   * `done` may be due in the view for some time yet, and each look at it would be an entry on its timeline.
   */
  private due(done: string[]): Promise<Due[]> {
    const now = new Date().toISOString();
    const failing = [...this.pauses.keys()];
    const paused = failing.filter((id) => this.pauses.get(id)!.until > Date.now());
    return this.dataSource.query(
      `select id, server_id, expires_at from connections where ${DUE} and id <> all($2)
       order by id = any($3), token_refresh_at limit ${AT_ONCE}`,
      [now, [...paused, ...done], failing],
    );
  }

  /** What is no longer due, as it was refreshed elsewhere or has ended, needs no pause. */
  private async forgetPauses(now: string): Promise<void> {
    if (this.pauses.size === 0) return;
    const rows = await this.dataSource.query<{ id: string }[]>(
      `select id from connections where ${DUE} and id = any($2)`,
      [now, [...this.pauses.keys()]],
    );
    const due = new Set(rows.map(({ id }) => id));
    for (const id of this.pauses.keys()) if (!due.has(id)) this.pauses.delete(id);
  }

  /** Nothing is opened where we are no client (any more): each opening is an entry on the timeline. */
  private async refresh({ id, server_id, expires_at }: Due): Promise<void> {
    try {
      if (expires_at === null) this.clients.of(server_id);
      const tokens = await this.tokens.fresh(id);
      const next = tokens && refreshAt(tokens);
      if (next && next.getTime() <= Date.now()) this.pause(id, LONGEST_PAUSE_MS);
      else this.pauses.delete(id);
    } catch (error) {
      logger.info({ connection_id: id, error: String(error) }, 'tokens could not be refreshed');
      // Comes at the next round, before those that have failed: the lease would not outlast a pause.
      if (this.tokens.isInHand(id)) this.pauses.delete(id);
      else this.pause(id, needsPerson(error) ? LONGEST_FOR_A_PERSON_MS : LONGEST_PAUSE_MS);
    }
  }

  /** A provider that is down is asked less and less often. */
  private pause(id: string, longestMs: number): void {
    const before = this.pauses.get(id)?.ms ?? FIRST_PAUSE_MS / 2;
    const ms = Math.min(before * 2, longestMs);
    this.pauses.set(id, { until: Date.now() + ms, ms });
  }
}

function needsPerson(error: unknown): boolean {
  if (error instanceof OAuthError) return error.code === 'provider_rejected';
  return error instanceof CredentialLost || (error instanceof DomainError && NOT_OURS.includes(error.code));
}
