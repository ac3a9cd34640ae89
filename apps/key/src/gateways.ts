import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { type KeyChanged, LEASE_MS, REPEAT_MS } from '#contracts/key-lease.js';
import type { KeyView } from '#contracts/key.js';
import { Bus } from '#service/bus.js';

/** The gateways that may hold a lease, and how they are told what has become of a key. The protocol: contracts/key-lease.ts. */
@Injectable()
export class Gateways {
  /** When each was last heard, by the monotonic clock. */
  private readonly heard = new Map<string, number>();
  private listeningSince = performance.now();

  constructor(@Inject(Bus) private readonly bus: Bus) {
    bus.onDisconnect(() => (this.listeningSince = performance.now()));
    bus.listen('key.lease', ({ gateway_id }, answer) => {
      this.heard.set(gateway_id, performance.now());
      answer({ gateway_id });
    });
  }

  /** Resolves when no gateway trusts what the key was before: each has forgotten it, or its lease has run out. */
  async tell({ id, name, retires_at, revoked_at }: KeyView): Promise<void> {
    const change = new Change({ key_id: id, change_id: randomUUID(), name, retires_at, revoked_at });
    const over = () => this.allHave(change.forgottenBy) || change.ageMs() >= LEASE_MS;
    try {
      do {
        await change.broadcast(this.bus);
        for (const next = performance.now() + REPEAT_MS; performance.now() < next && !over();) {
          await Promise.race([change.nextAnswer(), wait(next - performance.now())]);
        }
      } while (!over());
    } finally {
      change.stopListening();
    }
  }

  private allHave(forgotten: Set<string>): boolean {
    const leaseStart = performance.now() - LEASE_MS;
    for (const [gateway, at] of this.heard) if (at < leaseStart) this.heard.delete(gateway);
    return this.listeningSince <= leaseStart && [...this.heard.keys()].every((gateway) => forgotten.has(gateway));
  }
}

/** One change of a key, and who has forgotten what was before. Answers to every announcement count, late ones too. */
class Change {
  readonly forgottenBy = new Set<string>();
  private readonly rounds: { stop(): void }[] = [];
  private announcedAt = Infinity;
  private wake: () => void = () => undefined;

  constructor(private readonly fact: KeyChanged) {}

  async broadcast(bus: Bus): Promise<void> {
    const round = await bus.broadcast('gateway.key-changed', this.fact, ({ gateway_id }) => {
      this.forgottenBy.add(gateway_id);
      this.wake();
    });
    this.rounds.push(round);
    this.announcedAt = Math.min(this.announcedAt, performance.now());
  }

  /** Counted from the first announcement that the bus took. */
  ageMs(): number {
    return performance.now() - this.announcedAt;
  }

  nextAnswer(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }

  stopListening(): void {
    for (const round of this.rounds) round.stop();
  }
}
