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
  private sweep(stopping: AbortSignal): Promise<void> {
    return allOf([this.createSuccessors(stopping), this.revokeAfterGrace(stopping)]);
  }

  /** Of all rotations until none is left; from then on only what may be new. */
  private async createSuccessors(stopping: AbortSignal): Promise<void> {
    const { hasCaughtUp } = this.queries;
    const recently = new Date(Date.now() - RECENT_MS).toISOString();
    const keys = await this.queries.withoutSuccessor(this.isThrough ? recently : '');
    if (stopping.aborted) return;
    await allOf(keys.map((key) => this.keys.createSuccessor(key.id, systemContext(key, rotation))));
    this.isThrough ||= hasCaughtUp && keys.length === 0;
  }

  private async revokeAfterGrace(stopping: AbortSignal): Promise<void> {
    const keys = await this.queries.afterGrace();
    if (stopping.aborted) return;
    await allOf(keys.map((key) => this.keys.revoke(systemContext(key, rotation), key.id)));
  }
}

/** One that fails keeps no other from being done. */
async function allOf(work: Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}

const rotation = { id: 'rotation', name: 'key rotation' };
