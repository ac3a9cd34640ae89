import { cpus, totalmem } from 'node:os';
import type { Figures } from './figures.js';
import type { Flatness } from './flatness.js';
import type { Flood, FloodRow } from './flood.js';
import type { KeyRows } from './key-rows.js';
import type { Lags } from './lag.js';
import type { PageRows } from './page-rows.js';
import { concurrencies, type Results } from './rounds.js';
import { timelineTables, timelineTargets } from './timeline-report.js';
import type { TimelineFindings } from './timeline-rows.js';
import { ms, table, target, total, whole } from './words.js';

export interface Findings extends TimelineFindings {
  settings: { rounds: number; durationMs: number };
  /** The rows of the table of rates, by the names of the scenarios. */
  titles: Record<string, string>;
  results: Results;
  memory: { idle: Record<string, number>; loaded: Record<string, number> };
  ready: { first: number; again: number };
  elapsedMs: number;
  /** Undefined is not asked for. */
  lags: Lags | undefined;
  page: PageRows | undefined;
  flood: Flood | undefined;
  keys: KeyRows | undefined;
  flatness: Flatness | undefined;
}

const ratio = (value: number): string => value.toFixed(2);

/** The findings as a page of Markdown. */
export function report(findings: Findings): string {
  const { results, titles, keys, flood, flatness, lags, memory, page } = findings;
  const sections = [
    ['# Benchmarks', heading(findings)],
    ['## Targets', targets(findings)],
    ['## Rates', rates(results, titles)],
    ['## CPU per request', cpu(results)],
    ['## Keys', keys && keyTable(keys), flood && floodTable(flood)],
    ['## Stored sessions', flatness && flatTable(flatness)],
    ['## Timeline', ...timelineTables(findings)],
    ['## The hosted page', page && pageTable(page)],
    ['## Lag and memory', lags && lagTable(lags), memoryTable(memory)],
    ['## How to read this', HOW_TO_READ],
  ];
  const present = sections.map((section) => section.filter((text) => text !== undefined));
  return `${present
    .filter((section) => section.length > 1)
    .flat()
    .join('\n\n')}\n`;
}

function heading({ settings: { rounds, durationMs }, elapsedMs }: Findings): string {
  const [cpu] = cpus();
  const gib = Math.round(totalmem() / 1024 ** 3);
  return `Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}, in ${whole(elapsedMs / 1000)} s: ${cpus().length} cores (${cpu?.model.trim()}), ${gib} GiB, Node ${process.versions.node}, ${process.platform}. Medians of ${rounds} rounds, ${durationMs / 1000} s each.`;
}

function targets(findings: Findings): string {
  const { results, lags, memory, ready, page, flood } = findings;
  const gib = total(memory.loaded) / 1024;
  return table(
    ['what', 'target', 'measured', 'met'],
    [
      ...ratios(results, 'mint / raw append', ['mint', 'append']),
      ...ratios(results, 'GET / raw Fastify + NATS + SELECT', ['get', 'hop']),
      ...ratios(results, 'inbound webhook / raw append', ['delivery', 'append'], 0.4),
      ...openTarget(results['open']?.[16]),
      ...(lags ? lagTargets(lags) : []),
      ...timelineTargets(findings),
      ...(page ? [pageTarget(page)] : []),
      ...(flood?.rows ?? []).map(floodTarget),
      target('memory of the whole stack under load', '< 1.5 GB', `${gib.toFixed(2)} GiB`, gib * 1.073741824 < 1.5),
      target('ready, first start', '≤ 20 s', `${(ready.first / 1000).toFixed(1)} s`, ready.first <= 20_000),
      target('ready, later start', '≤ 20 s', `${(ready.again / 1000).toFixed(1)} s`, ready.again <= 20_000),
    ],
  );
}

function ratios(results: Results, what: string, [name, limit]: [string, string], wished = 0.5): string[][] {
  return [16, 64].flatMap((at) => {
    const [ours, bare] = [results[name]?.[at]?.rate, results[limit]?.[at]?.rate];
    if (ours === undefined || bare === undefined) return [];
    return [target(`${what}, ${at} clients`, `≥ ${wished}`, ratio(ours / bare), ours / bare >= wished)];
  });
}

const openTarget = (open: Figures | undefined): string[][] =>
  open ? [target('credential opened, p99 at 16 clients', '< 20 ms', `${ms(open.p99)} ms`, open.p99 < 20)] : [];

const lagTargets = ({ sessions, audit }: Lags): string[][] => [
  target('session visible after its 201, p99 at 200 mints/s', '< 100 ms', `${ms(sessions.p99)} ms`, sessions.p99 < 100),
  target(
    'timeline entry visible after the 201, p99 at 200 mints/s',
    '< 100 ms',
    `${ms(audit.p99)} ms`,
    audit.p99 < 100,
  ),
];

const floodTarget = ({ title, alone, under }: FloodRow): string[] =>
  target(`good traffic lost to ${title}`, '≤ 20 %', `${whole(100 * (1 - under / alone))} %`, under / alone >= 0.8);

const pageTarget = ({ painted }: PageRows): string[] =>
  target('hosted page painted on slow 3G, redirect included', '< 1 s', `${whole(painted)} ms`, painted < 1000);

function rates(results: Results, titles: Record<string, string>): string | undefined {
  const names = Object.keys(results);
  if (names.length === 0) return undefined;
  return table(
    ['requests/s (p50 · p99 in ms)', ...concurrencies.map((clients) => `${clients} clients`)],
    names.map((name) => [titles[name] ?? name, ...concurrencies.map((clients) => figures(results[name]![clients]!))]),
  );
}

const figures = ({ rate, p50, p99 }: Figures): string => `${whole(rate)} (${ms(p50)} · ${ms(p99)})`;

const PARTS = ['gateway', 'nats', 'link-session', 'key', 'connection', 'audit', 'eventstore', 'postgres'];

function cpu(results: Results): string | undefined {
  const names = ['mint', 'repeat', 'create', 'rotate', 'delivery', 'append', 'get', 'me', 'badKey'].filter(
    (name) => results[name],
  );
  if (names.length === 0) return undefined;
  const rows = names.map((name) => {
    const { cpu: used } = results[name]![16]!;
    return [name, ...PARTS.map((part) => whole(used[part] ?? 0)), whole(total(used))];
  });
  return table(['µs at 16 clients', ...PARTS, 'all'], rows);
}

const keyTable = ({ count, one, first, known }: KeyRows): string =>
  table(
    ['key check alone, 16 clients', 'requests/s (p50 · p99 in ms)'],
    [
      ['one key', figures(one)],
      [`${whole(count)} keys, each for the first time`, figures(first)],
      [`${whole(count)} keys in turn`, figures(known)],
    ],
  );

function floodTable({ perSecond, rows }: Flood): string {
  const lost = ({ under, alone }: FloodRow) => `${whole(under)} (${whole(100 * (under / alone - 1))} %)`;
  return table(
    [
      `GET session, 16 clients, while ${whole(perSecond)} wrong keys a second come in`,
      'requests/s without them',
      'requests/s',
      'questions to the key service per 1,000 wrong requests',
    ],
    rows.map((one) => [one.title, whole(one.alone), lost(one), one.asked.toFixed(1)]),
  );
}

function flatTable({ sessions, seeded, rows }: Flatness): string {
  const { appended, appendsPerSecond, settledMs, copied } = seeded;
  const more =
    copied > 0 ? ` The other ${whole(copied)} are copies of their rows, made in the table that is read.` : '';
  return [
    table(
      ['16 clients: requests/s (p50 · p99 in ms)', ...sessions.map((count) => `${whole(count)} sessions`)],
      rows.map((row) => [row.title, ...row.figures.map(figures)]),
    ),
    `${whole(appended)} were appended through the event store's client, one stream each, at ${whole(appendsPerSecond)}/s while the views followed; these had everything ${(settledMs / 1000).toFixed(1)} s after the last append.${more} Of the few sessions hardly any stand behind the middle, so that page is all but empty at first.`,
  ].join('\n\n');
}

function lagTable({ mint, sessions, audit }: Lags): string {
  const lag = (name: string, { p50, p99 }: Figures) => [name, ms(p50), ms(p99)];
  return table(
    ['200 mints/s, ms', 'p50', 'p99'],
    [lag('the 201', mint), lag('then: session in its table', sessions), lag('then: entry in the timeline', audit)],
  );
}

const pageTable = ({ redirected, arrived, painted, ready }: PageRows): string =>
  table(
    ['a link opened on slow 3G (400 ms, 400 kbit/s)', 'ms'],
    [
      ['the token has left the address bar', whole(redirected)],
      ['the page has come', whole(arrived)],
      ['the page is painted, and its choices work', whole(painted)],
      ['its script has run', whole(ready)],
    ],
  );

function memoryTable({ idle, loaded }: Findings['memory']): string {
  const parts = Object.keys(loaded);
  return table(
    ['memory, MiB (PSS)', ...parts, 'all'],
    [
      ['after the start', ...parts.map((part) => whole(idle[part] ?? 0)), whole(total(idle))],
      ['after the load', ...parts.map((part) => whole(loaded[part]!)), whole(total(loaded))],
    ],
  );
}

const HOW_TO_READ = `- Everything runs on this one machine: the load, all parts of the system, and the limits it is compared with. Trust the
  **ratios**, which come from the same minute of the same run: each round measures everything in turn.
- A **limit** is the same work with nothing of ours around it: the same event store server, client library and event; the
  same NATS server, Postgres, table and statement. A ratio is therefore what the architecture costs, not what the hardware does.
- A mint is more than its append: HTTP, the key check, two hops on the bus, and two views that follow while the load goes on.
- Opening a credential appends CredentialAccessed to the connection's stream, reads the row of the vault and decrypts it,
  through the code of the service in a process of its own. Of a connection it has opened before, it reads no stream first.
- Each delivery has its own id; those to one connection that wait at the same moment share an append.
- The load comes from one process of its own over keep-alive sockets, with requests whose bytes were made before
  (test/bench/connection.ts, about 10 µs of CPU per request); it runs on the same cores.
- **CPU per request** is what the parts' processes used over the stretch, from /proc, the views' catching up included. It
  varies less than rates do when something else uses the machine.
- **Lag** looks for the row over a connection of its own every millisecond or so, and counts from the 201.
- **Memory** is the sum of the proportional set sizes of all processes, so that shared pages count once.
- **Ready** is from the start of the supervisor to its "ready"; the first one makes the database, and no build is in it.
- Everything is **warm**: 4,000 requests of each kind, of ours and of the limits, go before those that count, or 20 s of them;
  before a paced load goes a fifth of it.
- \`npm run bench -- --quick\` prints the same in under a minute from short stretches, and writes nothing. \`--only=mint,append\`
  measures these rows alone (also \`page\`, \`lag\`, \`keys\`, \`flood\`, \`stored\`, \`live\`, \`replay\`, \`timeline\`, \`export\`).
  \`--sessions\`, \`--entries\`, \`--exported\` and \`--events\` say how many of them there are.`;
