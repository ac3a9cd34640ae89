import { Inject, Injectable } from '@nestjs/common';
import { CHANGE_MS, type KeyChanged, type KeyStanding } from '#contracts/key-lease.js';
import type { VerifiedKey } from '#contracts/key.js';
import { Bus } from '#service/bus.js';
import { keyInquiry } from './key-inquiry.js';
import { KeyLease } from './key-lease.js';

/** The most entries each of the two memories holds. */
export const MOST_REMEMBERED = 10_000;

/**
 * What the key service has said about keys, by hash. Good keys and wrong ones have memories of their own, so that a
 * flood of wrong ones cannot push a good one out; both are bounded. Trusted only under the lease (contracts/key-lease.ts).
 */
@Injectable()
export class VerifiedKeys {
  private readonly live = new Map<string, VerifiedKey>();
  private readonly refused = new Map<string, VerifiedKey | null>();
  /** What has become of keys, and until when an answer that was on its way might still say what was before. */
  private readonly changes = new Map<string, KeyStanding & { until: number }>();
  /** Hashes of keys that were good once: whoever holds one of them is not guessing. */
  private readonly proven = new Map<string, true>();
  /** Questions under way, by hash. */
  private readonly asking = new Map<string, Promise<VerifiedKey | null>>();
  private lease: number | null = null;
  private readonly inquiry;

  constructor(
    @Inject(Bus) bus: Bus,
    private readonly leases: KeyLease,
  ) {
    this.inquiry = keyInquiry(bus);
  }

  /** Begins to listen; before the bus is connected nobody could be heard. */
  start(): void {
    this.leases.hold((change) => this.learn(change));
  }

  /** The key of this hash, also when it is revoked or expired; null when there is none. UNAVAILABLE when nobody can tell. */
  verify(hash: string): VerifiedKey | null | Promise<VerifiedKey | null> {
    const known = this.known(hash);
    return known === undefined ? (this.asking.get(hash) ?? this.ask(hash, this.lease)) : known;
  }

  /** What can be said without asking anybody; undefined is nothing. */
  known(hash: string): VerifiedKey | null | undefined {
    const lease = this.leases.current();
    if (lease !== this.lease) this.clear(lease);
    return this.live.get(hash) ?? this.refused.get(hash);
  }

  /** Is this no guess: a hash that was a good key's at some time, or that somebody is being asked about right now? */
  isProven(hash: string): boolean {
    return this.proven.has(hash) || this.asking.has(hash);
  }

  /** Many requests share one question, under a lease only: who has none could not know what has changed since it was sent. */
  private ask(hash: string, lease: number | null): Promise<VerifiedKey | null> {
    const answer = this.look(hash, lease);
    if (lease === null) return answer;
    this.asking.set(hash, answer);
    const done = () => {
      if (this.asking.get(hash) === answer) this.asking.delete(hash);
    };
    answer.then(done, done);
    return answer;
  }

  private async look(hash: string, lease: number | null): Promise<VerifiedKey | null> {
    const key = this.asChanged(await this.inquiry.load(hash));
    const isLive = key?.revoked_at === null;
    if (isLive) remember(this.proven, hash, true);
    if (lease !== null && lease === this.leases.current()) {
      if (isLive) remember(this.live, hash, key);
      else remember(this.refused, hash, key);
    }
    return key;
  }

  /** The answer may have been under way when the key changed. */
  private asChanged(key: VerifiedKey | null): VerifiedKey | null {
    const change = key && this.changes.get(key.id);
    return change && change.until > performance.now() ? { ...key, ...standing(key, change) } : key;
  }

  private learn({ key_id, ...change }: KeyChanged): void {
    const now = performance.now();
    for (const [id, { until }] of this.changes) if (until <= now) this.changes.delete(id);
    this.changes.set(key_id, { ...standing(this.changes.get(key_id), change), until: now + CHANGE_MS });
    for (const [hash, key] of this.live) if (key.id === key_id) this.live.delete(hash);
  }

  private clear(lease: number | null): void {
    this.live.clear();
    this.refused.clear();
    this.asking.clear();
    this.lease = lease;
  }
}

/** Changes may be heard in any order; that a key retires or is revoked is never taken back. */
const standing = (before: KeyStanding | undefined, { name, retires_at, revoked_at }: KeyStanding): KeyStanding => ({
  name,
  retires_at: retires_at ?? before?.retires_at ?? null,
  revoked_at: revoked_at ?? before?.revoked_at ?? null,
});

/** The oldest entry makes room for the newest. */
function remember<V>(memory: Map<string, V>, hash: string, value: V): void {
  if (memory.size >= MOST_REMEMBERED) memory.delete(memory.keys().next().value!);
  memory.set(hash, value);
}
