/**
 * Pages are in the order of positions, which is the order in which the store wrote. An event tells a time of its own, nearly
 * always within this of its writing; a few tell another one: what is told later, or by a process whose clock is wrong. They
 * keep the store's time beside theirs (`written_at`), so that they say where others stand, and are looked for one by one.
 */
const ABOUT_MS = 60_000;
/** What was written so long before or after a time that is asked for tells another one. Leaves room for clocks of several stores. */
const APART_MS = 10 * 60_000;
/** No position lies behind it. */
const END = '9223372036854775807';

export const isAbout = (at: string, written: Date): boolean => Math.abs(Date.parse(at) - written.getTime()) <= ABOUT_MS;

const OF_TENANT = 'from audit_entries b where b.project_id = :project_id and b.environment = :environment';

/** No entry from a time on stands before this position. */
export const FROM_BOUND = `least(coalesce(${next('<', ':before', 'desc')}, 0), ${odd('min', '>= :from')})`;
/** No entry before a time stands behind this position. */
export const TO_BOUND = `greatest(coalesce(${next('>=', ':behind', 'asc')}, ${END}), ${odd('max', '< :to')})`;

/** Their parameters. */
export const fromBound = (from: string) => ({ before: shifted(from, -APART_MS) });
export const toBound = (to: string) => ({ behind: shifted(to, APART_MS) });

/** The position of what was written next to a time on one side of it. */
function next(side: '<' | '>=', time: string, order: 'asc' | 'desc'): string {
  const written = 'coalesce(b.written_at, b.at)';
  return `(select b.position ${OF_TENANT} and ${written} ${side} ${time} order by ${written} ${order} limit 1)`;
}

/** How far those stand that tell another time than that of their writing. */
function odd(which: 'min' | 'max', is: string): string {
  return `(select ${which}(b.position) ${OF_TENANT} and b.written_at is not null and b.at ${is})`;
}

/** The earliest and the latest time that can be written stay what they are. */
function shifted(time: string, ms: number): string {
  const moved = new Date(Date.parse(time) + ms);
  return Number.isNaN(moved.getTime()) || moved.getUTCFullYear() > 9999 || moved.getUTCFullYear() < 0
    ? time
    : moved.toISOString();
}
