import { cpus, totalmem } from 'node:os';
import type { Figures } from './figures.js';
import type { Flood } from './flood.js';
import type { Lags } from './lag.js';
import { concurrencies, type Results } from './rounds.js';
import type { Seeded } from './seed.js';

/** Reads with few and with many sessions in the store. */
export interface Flatness {
  sessions: [number, number];
  seeded: Seeded;
  get: [Figures, Figures];
  list: [Figures, Figures];
}

export interface Findings {
  settings: { rounds: number; durationMs: number };
  results: Results;
  lags: Lags;
  flood: Flood;
  keys: [Figures, Figures];
  flatness: Flatness;
  memory: { idle: Record<string, number>; loaded: Record<string, number> };
  ready: { first: number; again: number };
  elapsedMs: number;
}

const titles: Record<string, string> = {
  mint: '**mint** `POST /api/v1/connections/link`',
  append: 'limit: one event of a mint to a new stream, the same client',
  get: '**GET session** `/api/v1/connections/link/{id}`',
  hop: 'limit: Fastify → NATS → prepared SELECT → back',
  select: 'limit: Fastify + prepared SELECT in one process',
  me: '**key look-up** `GET /api/v1/keys/me`',
  check: '**key check alone**: a route that ends after it, with 404',
  badKey: '**bad key**: 401',
  request: 'limit: NATS request/reply between two processes',
};

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const ms = (value: number): string => (value < 10 ? value.toFixed(1) : whole(value));
const ratio = (value: number): string => value.toFixed(2);
const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;
const table = (head: string[], rows: string[][]): string =>
  [row(...head), row(...head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map((cells) => row(...cells))].join(
    '\n',
  );
const total = (parts: Record<string, number>): number => Object.values(parts).reduce((sum, one) => sum + one, 0);

/** The findings as a page of Markdown. */
export const report = (findings: Findings): string =>
  `${[
    '# Benchmarks',
    heading(findings),
    '## Targets',
    targets(findings),
    '## Rates',
    rates(findings.results),
    '## CPU per request',
    cpu(findings.results),
    '## Keys',
    keys(findings),
    '## Stored sessions',
    flatness(findings.flatness),
    '## Lag and memory',
    lagAndMemory(findings),
    '## How to read this',
    HOW_TO_READ,
  ].join('\n\n')}\n`;

function heading({ settings: { rounds, durationMs }, elapsedMs }: Findings): string {
  const [cpu] = cpus();
  const gib = Math.round(totalmem() / 1024 ** 3);
  return `Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}, in ${whole(elapsedMs / 1000)} s: ${cpus().length} cores (${cpu?.model.trim()}), ${gib} GiB, Node ${process.versions.node}, ${process.platform}. Medians of ${rounds} rounds, ${durationMs / 1000} s each.`;
}

function targets({ results, lags, memory, ready }: Findings): string {
  const of = (name: string, limit: string, at: number) => results[name]![at]!.rate / results[limit]![at]!.rate;
  const line = (what: string, target: string, figure: string, met: boolean) => [
    what,
    target,
    figure,
    met ? 'yes' : '**no**',
  ];
  const ratios = [
    ['mint / raw append', 'mint', 'append'],
    ['GET / raw Fastify + NATS + SELECT', 'get', 'hop'],
  ] as const;
  const gib = total(memory.loaded) / 1024;
  return table(
    ['what', 'target', 'measured', 'met'],
    [
      ...ratios.flatMap(([what, name, limit]) =>
        [16, 64].map((at) =>
          line(`${what}, ${at} clients`, '≥ 0.5', ratio(of(name, limit, at)), of(name, limit, at) >= 0.5),
        ),
      ),
      line(
        'session visible after its 201, p99 at 200 mints/s',
        '< 100 ms',
        `${ms(lags.sessions.p99)} ms`,
        lags.sessions.p99 < 100,
      ),
      line(
        'timeline entry visible after the 201, p99 at 200 mints/s',
        '< 100 ms',
        `${ms(lags.audit.p99)} ms`,
        lags.audit.p99 < 100,
      ),
      line('memory of the whole stack under load', '< 1.5 GB', `${gib.toFixed(2)} GiB`, gib * 1.073741824 < 1.5),
      line('ready, first start', '≤ 20 s', `${(ready.first / 1000).toFixed(1)} s`, ready.first <= 20_000),
      line('ready, later start', '≤ 20 s', `${(ready.again / 1000).toFixed(1)} s`, ready.again <= 20_000),
    ],
  );
}

const rates = (results: Results): string =>
  table(
    ['requests/s (p50 · p99 in ms)', ...concurrencies.map((clients) => `${clients} clients`)],
    Object.entries(titles).map(([name, title]) => [
      title,
      ...concurrencies.map((clients) => figures(results[name]![clients]!)),
    ]),
  );

const figures = ({ rate, p50, p99 }: Figures): string => `${whole(rate)} (${ms(p50)} · ${ms(p99)})`;

function cpu(results: Results): string {
  const parts = ['gateway', 'nats', 'link-session', 'key', 'connection', 'audit', 'eventstore', 'postgres'];
  const rows = ['mint', 'append', 'get', 'me', 'badKey'].map((name) => {
    const { cpu: used } = results[name]![16]!;
    return [name, ...parts.map((part) => whole(used[part] ?? 0)), whole(total(used))];
  });
  return table(['µs at 16 clients', ...parts, 'all'], rows);
}

function keys({ keys: [one, many], flood }: Findings): string {
  const lost = (rate: number) => `${whole(rate)} (${whole(100 * (rate / flood.alone - 1))} %)`;
  return [
    table(
      ['GET session, 16 clients', 'requests/s (p50 · p99 in ms)'],
      [
        ['one key', figures(one)],
        ['1,000 keys in turn', figures(many)],
      ],
    ),
    table(
      [
        `GET session, 16 clients, while ${whole(flood.perSecond)} wrong keys a second come in`,
        'requests/s',
        'questions to the key service per 1,000 wrong requests',
      ],
      [
        ['no flood', whole(flood.alone), '-'],
        ['always the same wrong key', lost(flood.sameKey), flood.askedOfSame.toFixed(1)],
        ['a new wrong key each time', lost(flood.newKeys), flood.askedOfNew.toFixed(1)],
      ],
    ),
  ].join('\n\n');
}

function flatness({ sessions, seeded, get, list }: Flatness): string {
  const [few, many] = sessions.map(whole);
  return [
    table(
      ['16 clients: requests/s (p50 · p99 in ms)', `${few} sessions`, `${many} sessions`],
      [
        ['GET session', ...get.map(figures)],
        ['list, first page of 50', ...list.map(figures)],
      ],
    ),
    `They were appended through the event store's client, one stream each, at ${whole(seeded.appendsPerSecond)}/s while the views followed; these had everything ${(seeded.settledMs / 1000).toFixed(1)} s after the last append.`,
  ].join('\n\n');
}

function lagAndMemory({ lags, memory }: Findings): string {
  const lag = (name: string, { p50, p99 }: Figures) => [name, ms(p50), ms(p99)];
  const parts = Object.keys(memory.loaded);
  return [
    table(
      ['200 mints/s, ms', 'p50', 'p99'],
      [
        lag('the 201', lags.mint),
        lag('then: session in its table', lags.sessions),
        lag('then: entry in the timeline', lags.audit),
      ],
    ),
    table(
      ['memory, MiB (PSS)', ...parts, 'all'],
      [
        ['after the start', ...parts.map((part) => whole(memory.idle[part] ?? 0)), whole(total(memory.idle))],
        ['after the load', ...parts.map((part) => whole(memory.loaded[part]!)), whole(total(memory.loaded))],
      ],
    ),
  ].join('\n\n');
}

const HOW_TO_READ = `- Everything runs on this one machine: the load, all parts of the system, and the limits it is compared with. Trust the
  **ratios**, which come from the same minute of the same run: each round measures everything in turn.
- A **limit** is the same work with nothing of ours around it: the same event store server, client library and event; the
  same NATS server, Postgres, table and statement. A ratio is therefore what the architecture costs, not what the hardware does.
- A mint is more than its append: HTTP, the key check, two hops on the bus, and two views that follow while the load goes on.
- The load comes from one process of its own over keep-alive sockets, with requests whose bytes were made before
  (test/bench/connection.ts, about 10 µs of CPU per request); it runs on the same cores.
- **CPU per request** is what the parts' processes used over the stretch, from /proc, the views' catching up included. It
  varies less than rates do when something else uses the machine.
- **Lag** looks for the row over a connection of its own every millisecond or so, and counts from the 201.
- **Memory** is the sum of the proportional set sizes of all processes, so that shared pages count once.
- **Ready** is from the start of the supervisor to its "ready"; the first one makes the database, and no build is in it.
- \`npm run bench -- --quick\` prints the same in under a minute from short stretches, and writes nothing. \`--sessions=N\`
  stores more of them before the last comparison.`;
