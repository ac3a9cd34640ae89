import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { type KeyDied, LEASE_MS, REPEAT_MS } from '#contracts/key-lease.js';
import { Bus } from '#service/bus.js';

/** The gateways that may hold a lease, and how they are told of a dead key. The protocol: contracts/key-lease.ts. */
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

  /** Resolves when no gateway believes in the key any more: each has forgotten it, or its lease has run out. */
  async forget(key_id: string): Promise<void> {
    const death = new Death({ key_id, revoke_id: randomUUID() });
    const over = () => this.allHave(death.forgottenBy) || death.ageMs() >= LEASE_MS;
    try {
      do {
        await death.announce(this.bus);
        for (const next = performance.now() + REPEAT_MS; performance.now() < next && !over();) {
          await Promise.race([death.nextAnswer(), wait(next - performance.now())]);
        }
      } while (!over());
    } finally {
      death.stopListening();
    }
  }

  private allHave(forgotten: Set<string>): boolean {
    const leaseStart = performance.now() - LEASE_MS;
    for (const [gateway, at] of this.heard) if (at < leaseStart) this.heard.delete(gateway);
    return this.listeningSince <= leaseStart && [...this.heard.keys()].every((gateway) => forgotten.has(gateway));
  }
}

/** One key that died, and who has forgotten it so far. Answers to every announcement count, late ones too. */
class Death {
  readonly forgottenBy = new Set<string>();
  private readonly rounds: { stop(): void }[] = [];
  private announcedAt = Infinity;
  private wake: () => void = () => undefined;

  constructor(private readonly fact: KeyDied) {}

  async announce(bus: Bus): Promise<void> {
    const round = await bus.announce('gateway.key-revoked', this.fact, ({ gateway_id }) => {
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
