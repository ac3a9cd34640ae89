import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { systemContext } from '#contracts/envelope.js';
import { Sweep } from '#service/sweep.js';
import { KeyQueries } from './key-queries.js';
import { Keys } from './keys.service.js';

const EVERY_MS = 2_000;
/** Since a rotation that was not looked at yet, however long a view was behind. */
const RECENT_MS = 24 * 60 * 60 * 1_000;

/**
 * Brings about what follows from a rotation: the successor exists, also when whoever rotated died half way, and the end
 * of the grace, which every gateway keeps by itself, is recorded.
 */
@Injectable()
export class FinishRotations implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private isThrough = false;
  private readonly rounds = new Sweep({
    everyMs: EVERY_MS,
    work: (stopping) => this.sweep(stopping),
    failure: 'rotations wait for the next sweep',
  });

  constructor(
    private readonly keys: Keys,
    private readonly queries: KeyQueries,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** Neither keeps the other from its work. */
  private async sweep(stopping: AbortSignal): Promise<void> {
    const halves = [this.createSuccessors(stopping), this.revokeAfterGrace(stopping)];
    const failed = (await Promise.allSettled(halves)).find((half) => half.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Of all rotations until none is left; from then on only what may be new. */
  private async createSuccessors(stopping: AbortSignal): Promise<void> {
    const { hasCaughtUp } = this.queries;
    const recently = new Date(Date.now() - RECENT_MS).toISOString();
    const keys = await this.queries.withoutSuccessor(this.isThrough ? recently : '');
    for (const key of keys) {
      if (stopping.aborted) return;
      await this.keys.createSuccessor(key.id, systemContext(key, rotation));
    }
    this.isThrough ||= hasCaughtUp && keys.length === 0;
  }

  private async revokeAfterGrace(stopping: AbortSignal): Promise<void> {
    for (const key of await this.queries.afterGrace()) {
      if (stopping.aborted) return;
      await this.keys.revoke(systemContext(key, rotation), key.id);
    }
  }
}

const rotation = { id: 'rotation', name: 'key rotation' };
