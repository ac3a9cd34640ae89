import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { logger } from '#service/logger.js';
import { Sweep } from '#service/sweep.js';
import { FinishLinks } from './finish-links.js';
import { OAuthTokens } from './oauth-tokens.js';
import { refreshAt } from './stored-tokens.js';

const EVERY_MS = 3_000;
const AT_ONCE = 20;
const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 5 * 60_000;
const DUE = "state = 'connected' and token_refresh_at <= $1";

/** Refreshes tokens ahead of their end, whether somebody uses them or not, and finishes Connect Links that were left. */
@Injectable()
export class KeepFresh implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Sweep({
    everyMs: EVERY_MS,
    work: () => this.sweep(),
    failure: 'refreshing tokens failed; it comes again',
  });
  /** On its own: refreshes do not wait for a provider that takes its time over a link. */
  private readonly leftLinks = new Sweep({
    everyMs: EVERY_MS,
    work: () => this.links.resume(),
    failure: 'finishing Connect Links failed; it comes again',
  });
  private readonly pauses = new Map<string, { until: number; ms: number }>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly tokens: OAuthTokens,
    private readonly links: FinishLinks,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
    this.leftLinks.start();
  }

  onApplicationShutdown(): void {
    this.rounds.stop();
    this.leftLinks.stop();
  }

  private async sweep(): Promise<void> {
    const now = new Date().toISOString();
    await this.forgetPauses(now);
    const due = await this.due(now);
    await Promise.all(due.map(({ id }) => this.refresh(id)));
  }

  /** Those that have failed come after all others, and not before their pause is over, so that they starve nobody. */
  private due(now: string): Promise<{ id: string }[]> {
    const failing = [...this.pauses.keys()];
    const paused = failing.filter((id) => this.pauses.get(id)!.until > Date.now());
    return this.dataSource.query(
      `select id from connections where ${DUE} and id <> all($2) order by id = any($3), token_refresh_at limit ${AT_ONCE}`,
      [now, paused, failing],
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

  /** A provider that is down is asked less and less often. */
  private async refresh(id: string): Promise<void> {
    const before = this.pauses.get(id)?.ms ?? FIRST_PAUSE_MS / 2;
    const ms = Math.min(before * 2, LONGEST_PAUSE_MS);
    this.pauses.set(id, { until: Date.now() + ms, ms });
    try {
      const tokens = await this.tokens.fresh(id);
      const next = tokens && refreshAt(tokens);
      if (!next || next.getTime() > Date.now()) this.pauses.delete(id);
    } catch (error) {
      logger.info({ connection_id: id, error: String(error) }, 'tokens could not be refreshed');
    }
  }
}
