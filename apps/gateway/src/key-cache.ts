import { Inject, Injectable } from '@nestjs/common';
import { DEAD_KEY_MS } from '#contracts/key-lease.js';
import type { VerifiedKey } from '#contracts/key.js';
import { Bus } from '#service/bus.js';
import { KeyLease } from './key-lease.js';

/** The most entries each of the two memories holds. */
export const MOST_REMEMBERED = 10_000;
/** The request itself comes after it, and both together have about five seconds. */
const VERIFY_MS = 900;

/**
 * What the key service has said about keys, by hash. Good keys and wrong ones have memories of their own, so that a
 * flood of wrong ones cannot push a good one out; both are bounded. Trusted only under the lease (contracts/key-lease.ts).
 */
@Injectable()
export class VerifiedKeys {
  private readonly live = new Map<string, VerifiedKey>();
  private readonly refused = new Map<string, VerifiedKey | null>();
  /** Ids of dead keys and until when an answer that was on its way might still call them live. */
  private readonly dead = new Map<string, number>();
  private lease: number | null = null;

  constructor(
    @Inject(Bus) private readonly bus: Bus,
    private readonly leases: KeyLease,
  ) {}

  /** Begins to listen; before the bus is connected nobody could be heard. */
  start(): void {
    this.leases.hold((keyId) => this.bury(keyId));
  }

  /** The key of this hash, also when it is revoked or expired; null when there is none. UNAVAILABLE when nobody can tell. */
  verify(hash: string): VerifiedKey | null | Promise<VerifiedKey | null> {
    const lease = this.leases.current();
    if (lease !== this.lease) this.clear(lease);
    const known = this.live.get(hash) ?? this.refused.get(hash);
    return known === undefined ? this.ask(hash, lease) : known;
  }

  private async ask(hash: string, lease: number | null): Promise<VerifiedKey | null> {
    const key = this.unlessDead(await this.bus.ask('key.verify', { key_hash: hash }, VERIFY_MS));
    if (lease !== null && lease === this.leases.current()) {
      if (key?.revoked_at === null) remember(this.live, hash, key);
      else remember(this.refused, hash, key);
    }
    return key;
  }

  /** The answer may have been under way when the key died. */
  private unlessDead(key: VerifiedKey | null): VerifiedKey | null {
    if (!key || !this.dead.has(key.id)) return key;
    return { ...key, revoked_at: key.revoked_at ?? new Date().toISOString() };
  }

  private bury(keyId: string): void {
    const now = Date.now();
    for (const [id, until] of this.dead) if (until <= now) this.dead.delete(id);
    this.dead.set(keyId, now + DEAD_KEY_MS);
    for (const [hash, key] of this.live) if (key.id === keyId) this.live.delete(hash);
  }

  private clear(lease: number | null): void {
    this.live.clear();
    this.refused.clear();
    this.lease = lease;
  }
}

/** The oldest entry makes room for the newest. */
function remember<V>(memory: Map<string, V>, hash: string, value: V): void {
  if (memory.size >= MOST_REMEMBERED) memory.delete(memory.keys().next().value!);
  memory.set(hash, value);
}
