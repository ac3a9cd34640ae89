import type { AuditNarrowing } from '#contracts/audit.js';
import { DomainError } from '#contracts/errors.js';
import { Semaphore } from '#service/semaphore.js';

/** Of the connections to the database, so many are left to all others and to the view itself. */
const MOST_AT_ONCE = 4;
/** More would wait longer than anybody waits for an answer. */
const MOST_WAITING = 8;

/**
 * Each filter has an index in the timeline's order, but no two of them have one together: where many entries meet the one and
 * many the other and hardly any both, all of the one's are read for a page, or as many as a statement has the time for.
 */
export class Searches {
  private readonly atOnce = new Semaphore(MOST_AT_ONCE);

  async run<T>(filter: AuditNarrowing, read: () => Promise<T>): Promise<T> {
    return isSearch(filter) ? this.atOnce.run(read).catch(tooLong) : read();
  }

  /** For who can come again just as well. */
  refuseWhenFull(filter: AuditNarrowing): void {
    if (isSearch(filter) && this.atOnce.waiting >= MOST_WAITING) throw new DomainError('UNAVAILABLE', BUSY);
  }
}

const isSearch = ({ subject, actor, type, request_id }: AuditNarrowing): boolean =>
  [subject, actor, type, request_id].filter((one) => one !== undefined).length > 1;

const TOO_LONG = 'Looking for entries that meet all of these filters takes too long; narrow it by `from` and `to`.';
const BUSY = 'Many look for entries by several filters right now; try again, or with one filter alone.';
const CANCELED = '57014';

function tooLong(error: unknown): never {
  if ((error as { code?: string }).code !== CANCELED) throw error;
  throw new DomainError('UNAVAILABLE', TOO_LONG, undefined, { cause: error });
}
