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

type Value = (one: unknown) => string;

/** Entries from a time on. None of the tenant's stands before the position that is looked up here. */
export function fromBound(from: string, ofTenant: string[], value: Value): string[] {
  const time = value(from);
  const bound = next(ofTenant, '<', value(shifted(from, -APART_MS)), 'desc');
  return [`at >= ${time}`, `position >= least(coalesce(${bound}, 0), ${odd(ofTenant, 'min', `>= ${time}`)})`];
}

/** Entries before a time. None of the tenant's stands behind the position that is looked up here. */
export function toBound(to: string, ofTenant: string[], value: Value): string[] {
  const time = value(to);
  const bound = next(ofTenant, '>=', value(shifted(to, APART_MS)), 'asc');
  return [`at < ${time}`, `position <= greatest(coalesce(${bound}, ${END}), ${odd(ofTenant, 'max', `< ${time}`)})`];
}

/** The position of what was written next to a time on one side of it. */
function next(ofTenant: string[], side: '<' | '>=', time: string, order: 'asc' | 'desc'): string {
  const written = 'coalesce(written_at, at)';
  const terms = [...ofTenant, `${written} ${side} ${time}`].join(' and ');
  return `(select position from audit_entries where ${terms} order by ${written} ${order} limit 1)`;
}

/** How far those stand that tell another time than that of their writing. */
function odd(ofTenant: string[], which: 'min' | 'max', is: string): string {
  const terms = [...ofTenant, 'written_at is not null', `at ${is}`].join(' and ');
  return `(select ${which}(position) from audit_entries where ${terms})`;
}

/** The earliest and the latest time that can be written stay what they are. */
function shifted(time: string, ms: number): string {
  const moved = new Date(Date.parse(time) + ms);
  return Number.isNaN(moved.getTime()) || moved.getUTCFullYear() > 9999 || moved.getUTCFullYear() < 0
    ? time
    : moved.toISOString();
}
