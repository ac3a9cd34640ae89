import { logger } from './logger.js';

export interface SweepSettings {
  everyMs: number;
  work(): Promise<void>;
  /** What the log says when a round fails; the next round tries again. */
  failure: string;
}

/** Does the same work round after round, with a pause between them, from start to stop. */
export class Sweep {
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly settings: SweepSettings) {}

  start(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      void this.settings
        .work()
        .catch((error: unknown) => logger.warn({ error: String(error) }, this.settings.failure))
        .finally(() => this.start());
    }, this.settings.everyMs);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }
}
