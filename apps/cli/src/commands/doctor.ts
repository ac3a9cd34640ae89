import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { answerOf, apiAt, dataOf } from '../api.js';
import type { Command } from '../arguments.js';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';

interface Check {
  check: string;
  ok: boolean;
  detail: string;
}

interface Ready {
  parts: Record<string, Part>;
}

interface Part {
  status: string;
  views?: { name: string; lag_ms: number; parked: number }[];
  /** What it needs, by the names that its health gives them. */
  parts?: Record<string, string>;
}

/** A start takes less. */
const MOST_LAG_MS = 60_000;
/** Postgres needs 16 for the next piece of its log alone; without them every write is 503, and no service can tell why. */
const LEAST_FREE_MIB = 64;

const servers: Record<string, string> = { database: 'Postgres', eventstore: 'event store', bus: 'NATS' };

export const doctorCommands: Command[] = [
  {
    words: 'doctor',
    does: 'Look at everything that Latchkey needs and say what is wrong.',
    async run(_given, cli) {
      const checks = [await reachable(cli), ...(await disk(cli)), ...(await parts(cli)), await keyWorks(cli)];
      const rows = checks.map(({ ok, ...rest }) => ({ ...rest, result: ok ? 'ok' : 'WRONG' }));
      cli.showPage({ checks }, rows, ['check', 'result', 'detail']);
      const wrong = checks.filter(({ ok }) => !ok);
      if (wrong.length > 0) throw new CliError('UNHEALTHY', wrong.map(({ check }) => check).join(', '));
    },
  },
];

async function reachable({ url, local }: Cli): Promise<Check> {
  const found = local?.file ? `${url}, from ${local.file}` : url;
  return attempt('gateway', async () => {
    await apiAt(url, undefined).GET('/health/live');
    return found;
  });
}

/** On the machine of `npm start` alone. The database may be a link to another disk. */
async function disk({ local }: Cli): Promise<Check[]> {
  if (!local?.file) return [];
  const dataDir = dirname(local.file);
  const folders = [dataDir, join(dataDir, 'postgres')].filter((folder) => existsSync(folder));
  const rooms = await Promise.all(folders.map(async (folder) => ({ folder, mib: await freeMib(folder) })));
  const { folder, mib } = rooms.reduce((least, room) => (room.mib < least.mib ? room : least));
  const ok = mib >= LEAST_FREE_MIB;
  return [{ check: 'disk', ok, detail: `${mib} MiB free in ${folder}${ok ? '' : ': writes need more'}` }];
}

async function freeMib(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return Math.floor((bavail * bsize) / 2 ** 20);
}

/** Not ready answers 503 and says of each part how it is. One that cannot be asked says nothing of its views. */
async function parts({ url }: Cli): Promise<Check[]> {
  const ready = await readyAt(new URL(`${url}/health/ready`));
  if (ready === null) return [{ check: 'parts', ok: false, detail: '/health/ready does not say how they are' }];
  return Object.entries(ready.parts).map(([check, { status, views = [], parts: needed = {} }]) => {
    const parked = views.reduce((sum, view) => sum + view.parked, 0);
    const lag = Math.max(0, ...views.map((view) => view.lag_ms));
    const late = views.filter(({ lag_ms }) => lag_ms > MOST_LAG_MS);
    const behind = late.map(({ name, lag_ms }) => `${name} ${Math.round(lag_ms / 60_000)} min`).join(', ');
    const said = views.length === 0 ? '' : `, ${behind || `${lag} ms`} behind, ${parked} events parked`;
    const away = Object.keys(needed).filter((name) => needed[name] !== 'up');
    const without = away.map((name) => `, without ${servers[name] ?? name}`).join('');
    return {
      check,
      ok: status === 'up' && late.length === 0 && parked === 0,
      detail: `${status}${without}${said}`,
    };
  });
}

/** Null for what does not come from Latchkey, such as the page that a proxy puts in the place of a 503. */
async function readyAt(address: URL): Promise<Ready | null> {
  const response = await answerOf(address, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
  const ready = (await response?.json().catch(() => null)) as Partial<Ready> | null | undefined;
  return ready?.parts ? { parts: ready.parts } : null;
}

function keyWorks({ key, url }: Cli): Promise<Check> {
  return attempt('API key', async () => {
    if (key === undefined) return 'none is set; keys create makes one';
    if (key.startsWith('csk_')) {
      const { key: own, project } = await dataOf(apiAt(url, key).GET('/v1/whoami'));
      return `for /v1, ${project.name} (${own.environment}), ${own.scopes.join(', ')}`;
    }
    const own = await dataOf(apiAt(url, key).GET('/api/v1/keys/me'));
    return `${own.name}, ${own.scope}`;
  });
}

async function attempt(check: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { check, ok: true, detail: await work() };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { check, ok: false, detail: `${error.code}: ${error.message}` };
  }
}
