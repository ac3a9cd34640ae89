import { randomUUID } from 'node:crypto';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { ErrorCode } from '#contracts/errors.js';
import type { KeyRefusal, RefusedUses, VerifiedKey } from '#contracts/key.js';
import { keyPrefix } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { logger } from '#service/logger.js';

const TELL_EVERY_MS = 1_000;
const FIRST_WINDOW_MS = 60_000;
const LONGEST_WINDOW_MS = 3_600_000;
/** Of known keys and of guesses, each: a flood of guesses cannot push out what is known of a key. */
const MOST_REMEMBERED = 1_000;

const reasons: Partial<Record<ErrorCode, KeyRefusal>> = {
  REVOKED_API_KEY: 'revoked',
  EXPIRED_API_KEY: 'expired',
  IP_NOT_ALLOWED: 'address',
  INVALID_API_KEY: 'mistyped',
};

/** What is refused of one key for one reason. */
interface Tally {
  /** Not told yet; null: nothing was refused in this window so far. */
  pending: RefusedUses | null;
  /** Told, but not known to have been heard. It is told again as it is, as it may be recorded under its name already. */
  told: RefusedUses | null;
  dueAt: number;
  windowMs: number;
}

/**
 * Refused requests become events of the key they concern, without an event per request: the first is told within a
 * second, all that follow together after one minute, then two, four … at most an hour. That begins anew once nothing has been
 * refused for an hour longer: who comes back every other minute is not to fill the key's stream.
 */
@Injectable()
export class RefusedKeys implements BeforeApplicationShutdown {
  private readonly known = new Map<string, Tally>();
  private readonly guesses = new Map<string, Tally>();
  private timer: NodeJS.Timeout | undefined;

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  /** `who` is the key, or what was sent instead of one. */
  note(who: VerifiedKey | string, code: ErrorCode, { ip, id }: FastifyRequest): void {
    const reason = reasons[code];
    if (!reason || (typeof who === 'string' && !/^(bb|csk)_/.test(who))) return;
    const key = typeof who === 'string' ? { prefix: keyPrefix(who) } : { id: who.id };
    const tallies = 'id' in key ? this.known : this.guesses;
    const name = `${'id' in key ? key.id : key.prefix} ${reason}`;
    const now = new Date();
    const fresh = { pending: null, told: null, dueAt: performance.now(), windowMs: FIRST_WINDOW_MS };
    const tally: Tally = tallies.get(name) ?? fresh;
    if (tallies.size >= MOST_REMEMBERED && !tallies.has(name)) tallies.delete(tallies.keys().next().value!);
    tallies.set(name, tally);
    const at = now.toISOString();
    tally.pending ??= {
      key,
      reason,
      count: 0,
      first_at: at,
      last_at: at,
      address: ip,
      request_id: id,
      command_id: randomUUID(),
    };
    tally.pending.count += 1;
    tally.pending.last_at = at;
    this.timer ??= setInterval(() => void this.tell(performance.now()), TELL_EVERY_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    // The second time what had to wait for a repetition.
    if (await this.tell(Infinity)) await this.tell(Infinity);
    clearInterval(this.timer);
  }

  /** Whether it was heard. */
  private async tell(now: number): Promise<boolean> {
    const due: Tally[] = [];
    for (const tallies of [this.known, this.guesses]) {
      for (const [name, tally] of tallies) {
        if (tally.dueAt > now) continue;
        if (tally.told ?? tally.pending) due.push(tally);
        else if (now - tally.dueAt >= LONGEST_WINDOW_MS) tallies.delete(name);
      }
    }
    const isHeard = due.length > 0 && (await this.send(due, now));
    if (this.known.size + this.guesses.size > 0) return isHeard;
    clearInterval(this.timer);
    this.timer = undefined;
    return isHeard;
  }

  /** What could not be told waits for the next time; what is refused meanwhile waits for a window of its own. */
  private async send(due: Tally[], now: number): Promise<boolean> {
    for (const tally of due) {
      if (tally.told === null) Object.assign(tally, { told: tally.pending, pending: null });
      tally.dueAt = now + tally.windowMs;
    }
    try {
      await this.bus.ask('key.refused', { uses: due.map(({ told }) => told!) });
      for (const tally of due) {
        Object.assign(tally, { told: null, windowMs: Math.min(2 * tally.windowMs, LONGEST_WINDOW_MS) });
      }
      return true;
    } catch (error) {
      for (const tally of due) tally.dueAt = now;
      logger.warn({ error: String(error) }, 'refused requests are told later');
      return false;
    }
  }
}
