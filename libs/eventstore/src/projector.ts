import type { DataSource } from 'typeorm';
import type { Position } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { type Batch, commitOf, type StorePosition } from './follow.js';
import { poolOf } from './pool.js';
import type { View } from './view.js';
import { type Log, ViewMover } from './view-mover.js';
import { ViewWriter } from './view-writer.js';

const CATCH_UP_MS = 2_000;

/** Called on every replica once a batch is in the view, whichever replica moved it. */
export type OnApplied = (batch: Batch) => void;

/**
 * Keeps one view in step with the store, batch by batch as a Feed hands them over. Rows and checkpoint change in one statement that names the checkpoint
 * it starts from: of two replicas at work on the same view, one moves it and the other's statement does nothing.
 */
export class Projector {
  /** How far the view is known to be, whichever replica moved it. */
  private at: StorePosition | null = null;
  /** How far this replica has heard the events. */
  private heard: StorePosition | null = null;
  /** Connections break when the database crashes, and a crash takes back what was written last. */
  private inDoubt = false;
  /** When this process last saw the view at the head of the store; null while it stands there. */
  private behindSince: number | null = performance.now();
  private caughtUpOnce = false;
  private waiting = new Set<() => void>();
  private readonly mover: ViewMover;

  constructor(
    private readonly deps: { dataSource: DataSource; log: Log },
    readonly view: View,
    private readonly onApplied?: OnApplied,
  ) {
    this.mover = new ViewMover(deps, view, new ViewWriter(deps.dataSource, view));
    const pool = poolOf(deps.dataSource);
    pool.setMaxListeners(0).on('remove', () => (this.inDoubt = true)); // As many as there are views.
  }

  onCaughtUp(): void {
    this.caughtUpOnce = true;
    this.onHead();
  }

  onHead(): void {
    this.behindSince = null;
    for (const wake of this.waiting) wake();
  }

  onFailure(error: unknown): void {
    this.behindSince ??= performance.now();
    this.deps.log.warn(`view ${this.view.name}: ${String(error)}; subscribing again`);
  }

  /** Has the view shown everything at some time since this process began? */
  get hasCaughtUp(): boolean {
    return this.caughtUpOnce;
  }

  async health(): Promise<{ name: string; lag_ms: number; parked: number }> {
    const lag_ms = this.behindSince === null ? 0 : Math.round(performance.now() - this.behindSince);
    const text = 'select count(*)::int as n from parked_events where "view" = $1';
    const [row] = await this.deps.dataSource.query<{ n: number }[]>(text, [this.view.name]);
    return { name: this.view.name, lag_ms, parked: row?.n ?? 0 };
  }

  /** Resolves when the view shows everything up to `position`; 503 when that takes too long. */
  async reached(position: Position | undefined): Promise<void> {
    if (position === undefined) return;
    const target = BigInt(position);
    const deadline = performance.now() + CATCH_UP_MS;
    if (this.inDoubt) await this.lookAround();
    while (commitOf(this.at) < target) {
      if (performance.now() >= deadline) throw new DomainError('UNAVAILABLE', 'The view is catching up; try again.');
      if (!(await this.moved(Math.min(250, deadline - performance.now())))) await this.lookAround();
    }
  }

  /** Resolves when the view shows everything there is. */
  async reachedHead(signal: AbortSignal): Promise<void> {
    while (this.behindSince !== null) {
      signal.throwIfAborted();
      await this.moved(250);
    }
  }

  /** False when the database no longer has what we heard and applied: it has to be heard again. */
  async isKept(): Promise<boolean> {
    await this.lookAround();
    return commitOf(this.at) >= commitOf(this.heard);
  }

  /** Another replica may have moved the view on, and a crash moves it back. */
  private async lookAround(): Promise<void> {
    const known = this.at;
    const stored = await this.stored();
    this.inDoubt = false;
    // Else it was moved while we looked, and we may have seen what was before.
    if (this.at === known) this.at = stored;
  }

  private async stored(): Promise<StorePosition | null> {
    const rows = await this.deps.dataSource.query<{ commit: string; prepare: string }[]>(
      'select "commit", "prepare" from checkpoints where "view" = $1',
      [this.view.name],
    );
    const [row] = rows;
    return row ? { commit: BigInt(row.commit), prepare: BigInt(row.prepare) } : null;
  }

  /** Listens from where the view stands, or from where this replica stopped hearing while another moved it on. */
  async begin(): Promise<StorePosition | null> {
    this.at = await this.stored();
    if (this.heard === null || commitOf(this.at) < this.heard.commit) this.heard = this.at;
    return this.heard;
  }

  async apply(batch: Batch): Promise<void> {
    this.behindSince ??= performance.now();
    while (commitOf(this.at) < batch.position.commit) {
      // The batch goes on from where we have heard: what a crash took back is not in it.
      if (commitOf(this.at) < commitOf(this.heard)) throw new Error('the checkpoint was moved back');
      const moved = await this.mover.move(this.at, batch);
      if (!moved) this.at = await this.stored();
      else if (commitOf(this.at) < moved.commit) this.at = moved;
    }
    this.heard = batch.position;
    this.onApplied?.(batch);
    for (const wake of this.waiting) wake();
  }

  /** False when nothing moved for so long. */
  private moved(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (moved: boolean) => {
        clearTimeout(timer);
        this.waiting.delete(wake);
        resolve(moved);
      };
      const wake = () => end(true);
      const timer = setTimeout(end, ms, false);
      this.waiting.add(wake);
    });
  }
}
