import type { PartHealth } from '#contracts/subjects.js';

/** One line of the System page. */
export interface SystemPart extends Omit<PartHealth, 'status' | 'versions'> {
  name: string;
  /** Null when nobody could say. */
  status: PartHealth['status'] | null;
  version: string | null;
}

const servers: Record<string, string> = { bus: 'NATS', database: 'Postgres', eventstore: 'Event store' };

/** Latchkey's own processes by what they say of themselves, then the servers by what all of them say of those. */
export function partsOf(healths: Record<string, PartHealth>): SystemPart[] {
  const own = Object.entries(healths).map(([name, health]) => processOf(name, health));
  return [...own, ...Object.keys(servers).map((part) => serverOf(part, Object.values(healths)))];
}

function processOf(name: string, { versions, parts, ...health }: PartHealth): SystemPart {
  const named = Object.entries(parts).map(([part, state]) => [servers[part] ?? part, state]);
  return { name, ...health, version: versions?.['latchkey'] ?? null, parts: Object.fromEntries(named) as typeof parts };
}

/** Down as soon as one process cannot reach it. Processes may be connected to different servers of a kind. */
function serverOf(part: string, healths: PartHealth[]): SystemPart {
  const states = healths.flatMap(({ parts }) => parts[part] ?? []);
  const versions = new Set(healths.flatMap(({ versions }) => versions?.[part] ?? []));
  return {
    name: servers[part]!,
    status: worstOf(states),
    version: versions.size === 0 ? null : [...versions].map(inWords).join(', '),
    views: [],
    parts: {},
  };
}

function worstOf(states: ('up' | 'down')[]): 'up' | 'down' | null {
  if (states.length === 0) return null;
  return states.includes('down') ? 'down' : 'up';
}

/** The embedded event store names what it follows: `23.10.6+latchkey`. */
const inWords = (version: string): string =>
  version.endsWith('+latchkey') ? `Latchkey’s own, like EventStoreDB ${version.split('+')[0]}` : version;
