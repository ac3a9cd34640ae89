import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { Bus } from '#service/bus.js';
import { CONFIG, type GatewayConfig } from './config.js';

const TRUSTED_MS = 500;
/** Timers may fire a little early. */
const SLACK_MS = 20;
const MOST_REMEMBERED = 1_000;

interface Known {
  origins: Promise<string[]>;
  until: number;
}

/**
 * Where sessions and Connect Links may redirect to: inside the list of the installation, and inside the one of the
 * project. A project's list is believed for half a second, so that minting asks for it twice a second and not once per
 * session; a change is answered when no gateway can believe the list before any more.
 */
@Injectable()
export class RedirectOrigins {
  private readonly known = new Map<string, Known>();

  constructor(
    @Inject(Bus) private readonly bus: Bus,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  async refuseForeign({ tenant }: Context, redirectUrl: string, field = 'redirect_url'): Promise<void> {
    if (redirectUrl === '') return;
    const { origin } = new URL(redirectUrl);
    for (const allowed of [this.config.REDIRECT_ORIGINS, await this.ofProject(tenant.project_id)]) {
      if (allowed.length === 0 || allowed.includes(origin)) continue;
      const message = `${field} must be inside the allowed redirect origins`;
      throw new DomainError('VALIDATION_ERROR', message, { issues: [{ field, message }] });
    }
  }

  /** Called once a list has changed: resolves when the new one holds at every gateway. */
  async changed(): Promise<void> {
    this.forget();
    await wait(TRUSTED_MS + SLACK_MS);
  }

  forget(): void {
    this.known.clear();
  }

  private ofProject(id: string): Promise<string[]> {
    const now = performance.now();
    const known = this.known.get(id);
    if (known && known.until > now) return known.origins;
    if (this.known.size >= MOST_REMEMBERED) this.known.clear();
    const asked: Known = { origins: this.ask(id), until: now + TRUSTED_MS };
    this.known.set(id, asked);
    // That nobody could tell is nothing to remember.
    asked.origins.catch(() => this.known.get(id) === asked && this.known.delete(id));
    return asked.origins;
  }

  private async ask(id: string): Promise<string[]> {
    return (await this.bus.ask('key.project.get', { id })).redirect_origins;
  }
}
