import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { Bus } from '#service/bus.js';
import { logger } from '#service/logger.js';

const TELL_EVERY_MS = 20_000;
/** With more keys than this in one batch, those that were used first are told of a little later use only. */
const MOST_KEYS = 10_000;

/** When each key was last used here. The key service is told in batches: no request writes anything. */
@Injectable()
export class KeyUsage implements BeforeApplicationShutdown {
  private uses = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  note(keyId: string, now = Date.now()): void {
    if (this.uses.size >= MOST_KEYS && !this.uses.has(keyId)) this.uses.delete(this.uses.keys().next().value!);
    this.uses.set(keyId, now);
    this.timer ??= setTimeout(() => void this.tell(), TELL_EVERY_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.tell();
  }

  /** What could not be told is part of the next batch, unless there is something newer. */
  private async tell(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.uses.size === 0) return;
    const told = this.uses;
    this.uses = new Map();
    const uses = [...told].map(([key_id, at]) => ({ key_id, at: new Date(at).toISOString() }));
    try {
      await this.bus.ask('key.used', { uses });
    } catch (error) {
      logger.warn({ error: String(error) }, 'the last uses of keys are told later');
      for (const [keyId, at] of told) if (!this.uses.has(keyId)) this.note(keyId, at);
    }
  }
}
