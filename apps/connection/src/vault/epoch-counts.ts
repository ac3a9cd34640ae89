import type { DataSource } from 'typeorm';
import { DomainError } from '#contracts/errors.js';
import { boundsOf, STRETCH, type Stretch, stretchAfter } from './vault-stretch.js';

/** So long an answer counts for all who ask. */
const KEPT_MS = 2_000;
/** Who asks again joins the count that is under way, so it may take longer than any of them waits. */
const LONGEST_MS = 60_000;

export interface EpochCount {
  epoch: number;
  entries: number;
  /** Where in the table the epoch is met first. */
  met: Stretch;
}

/** How many data keys of the vault are under which epoch: the whole table is read for that, by one for all who ask. */
export class EpochCounts {
  private counting: Promise<EpochCount[]> | undefined;
  private latest: { counts: EpochCount[]; at: number } | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly stopping: AbortSignal,
  ) {}

  async lately(): Promise<EpochCount[]> {
    if (this.latest && performance.now() - this.latest.at < KEPT_MS) return this.latest.counts;
    this.counting ??= this.begin();
    return this.counting;
  }

  /** What was counted before is not what is there now, nor what is being counted. */
  forget(): void {
    this.latest = undefined;
    this.counting = undefined;
  }

  private begin(): Promise<EpochCount[]> {
    const isOurs = () => this.counting === counting;
    const counting = this.count(LONGEST_MS)
      .then((counts) => {
        if (isOurs()) this.latest = { counts, at: performance.now() };
        return counts;
      })
      .finally(() => {
        if (isOurs()) this.counting = undefined;
      });
    return counting;
  }

  /** Stretch by stretch: no single statement has the time to read a large table. */
  async count(withinMs: number): Promise<EpochCount[]> {
    const until = performance.now() + withinMs;
    const sums = new Map<number, EpochCount>();
    let stretch: Stretch = { after: null, upTo: null };
    do {
      if (performance.now() > until || this.stopping.aborted) throw new DomainError('UNAVAILABLE', TOO_LONG);
      stretch = await stretchAfter(this.dataSource, stretch.upTo);
      for (const { epoch, entries } of await this.dataSource.query<EpochCount[]>(COUNT, boundsOf(stretch))) {
        const sum = sums.get(epoch) ?? { epoch, entries: 0, met: stretch };
        sums.set(epoch, { ...sum, entries: sum.entries + entries });
      }
    } while (stretch.upTo);
    return [...sums.values()];
  }
}

const TOO_LONG = 'Counting the credentials takes too long.';

const COUNT = `select epoch, count(*)::int as entries from ${STRETCH} v group by epoch`;
