import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { systemContext } from '#contracts/envelope.js';
import { Sweep } from '#service/sweep.js';
import { KeyQueries } from './key-queries.js';
import { Keys } from './keys.service.js';

const EVERY_MS = 2_000;

/**
 * Brings about what follows from a rotation: the successor exists, also when whoever rotated died half way, and the end
 * of the grace, which every gateway keeps by itself, is recorded.
 */
@Injectable()
export class FinishRotations implements OnApplicationBootstrap, BeforeApplicationShutdown {
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

  private async sweep(stopping: AbortSignal): Promise<void> {
    for (const key of await this.queries.withoutSuccessor()) {
      if (stopping.aborted) return;
      await this.keys.createSuccessor(key.id, systemContext(key, rotation));
    }
    for (const key of await this.queries.afterGrace()) {
      if (stopping.aborted) return;
      await this.keys.revoke(systemContext(key, rotation), key.id);
    }
  }
}

const rotation = { id: 'rotation', name: 'key rotation' };
