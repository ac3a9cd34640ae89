import type { Exported } from './export.js';
import type { Figures } from './figures.js';
import type { Replayed } from './replay.js';
import { LARGEST } from './timeline.js';
import type { TimelineFindings } from './timeline-rows.js';
import { ms, table, target, whole } from './words.js';

type Pages = NonNullable<TimelineFindings['timeline']>;

export const timelineTargets = ({ live, replays = [], timeline, exports }: TimelineFindings): string[][] => [
  ...(live
    ? [target('entry at a live client, p99 at 200 mints/s', '< 150 ms', `${ms(live.p99)} ms`, live.p99 < 150)]
    : []),
  ...(timeline ? pageTargets(timeline) : []),
  ...replays.flatMap(({ view, rate, raw }) => [
    target(`events/s replayed, ${view}`, '≥ 10,000', whole(rate), rate >= 10_000),
    target('the same / raw readAll', '≥ 0.3', (rate / raw).toFixed(2), rate / raw >= 0.3),
  ]),
  ...Object.entries(exports ?? {}).map(([format, one]) =>
    target(
      `memory that an export as ${format} takes, audit and gateway`,
      '≤ 64 MiB',
      `${whole(grown(one))} MiB`,
      grown(one) <= 64,
    ),
  ),
];

function pageTargets({ entries, pages }: Pages): string[][] {
  const { [LARGEST]: largest, ...usual } = pages;
  const [name, slowest] = Object.entries(usual).reduce((worst, one) => (one[1].p99 > worst[1].p99 ? one : worst));
  const row = (what: string, { p99 }: Figures) =>
    target(`${what} of a timeline of ${whole(entries)} entries, p99`, '< 30 ms', `${ms(p99)} ms`, p99 < 30);
  return [row(`page of 50 of the slowest kind (${name})`, slowest), row('page of 200, the most there is', largest!)];
}

const grown = ({ before, peak }: Exported): number =>
  Object.keys(peak).reduce((sum, part) => sum + peak[part]! - before[part]!, 0);

export const timelineTables = ({ live, replays, timeline, exports }: TimelineFindings): (string | undefined)[] => [
  live &&
    table(
      ['200 mints/s, ms', 'p50', 'p99'],
      [['from the append of an event to its entry at a live client', ms(live.p50), ms(live.p99)]],
    ),
  timeline && pageTable(timeline),
  replays && replayTable(replays),
  exports && exportTable(exports),
];

function pageTable({ entries, seededMs, pages }: Pages): string {
  const rows = Object.entries(pages).map(([name, { rate, p50, p99 }]) => [name, whole(rate), ms(p50), ms(p99)]);
  return [
    table([`pages of a timeline of ${whole(entries)} entries, 4 clients`, 'requests/s', 'p50, ms', 'p99, ms'], rows),
    `The entries are synthetic rows, written to the table itself in ${(seededMs / 1000).toFixed(0)} s, without personal text.`,
  ].join('\n\n');
}

const replayTable = (replays: Replayed[]): string =>
  table(
    [
      'replay, from the order to the swapped table',
      'events',
      'events/s',
      'raw readAll, events/s',
      'MiB before',
      'MiB at most',
    ],
    replays.map(({ view, events, rate, raw, before, peak }) => [view, ...[events, rate, raw, before, peak].map(whole)]),
  );

const exportTable = (exports: Record<string, Exported>): string =>
  table(
    ['export', 'lines', 'lines/s', 'MB/s', 'audit, MiB before · at most', 'gateway, MiB before · at most'],
    Object.entries(exports).map(([format, { entries, bytes, elapsedMs, before, peak }]) => [
      format,
      whole(entries),
      whole((1000 * entries) / elapsedMs),
      (bytes / 1000 / elapsedMs).toFixed(1),
      ...['audit', 'gateway'].map((part) => `${whole(before[part]!)} · ${whole(peak[part]!)}`),
    ]),
  );
