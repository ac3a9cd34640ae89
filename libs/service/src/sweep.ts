import { logger } from './logger.js';

export interface SweepSettings {
  everyMs: number;
  /** A round of many steps begins no further one once it is `stopping`. */
  work(stopping: AbortSignal): Promise<void>;
  /** What the log says when a round fails; the next round tries again. */
  failure: string;
}

/** Does the same work round after round, with a pause between them, from start to stop. */
export class Sweep {
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();

  constructor(private readonly settings: SweepSettings) {}

  start(): void {
    const { signal } = this.stopping;
    if (signal.aborted) return;
    this.timer = setTimeout(() => {
      this.round = this.settings
        .work(signal)
        .catch((error: unknown) => logger.warn({ error: String(error) }, this.settings.failure))
        .finally(() => this.start());
    }, this.settings.everyMs);
  }

  /**
   * Resolves once the round under way is over. What it has had from others exists nowhere else until it is written down, so
   * whoever stops the process waits for it before the database goes: in `beforeApplicationShutdown`.
   */
  stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.timer);
    return this.round;
  }
}
