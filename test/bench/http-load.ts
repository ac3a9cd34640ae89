import { setTimeout as wait } from 'node:timers/promises';
import { Connection } from './connection.js';
import { closedLoop, type Figures, figuresOf, type Stretch } from './figures.js';
import { serveJobs } from './worker.js';

export interface HttpLoad extends Stretch {
  port: number;
  /** Sent in turn, over and over. */
  requests: string[];
  /** Any other status ends the bench: a figure of refusals would be worth nothing. */
  status: number | number[];
}

/** Requests at fixed times, whatever the server does: a late answer makes the next one late, and that counts. */
export interface PacedLoad extends HttpLoad {
  perSecond: number;
}

let next = 0;

async function send(connection: Connection, { requests, status }: HttpLoad): Promise<string> {
  const answer = await connection.ask(requests[next++ % requests.length]!);
  if (![status].flat().includes(answer.status))
    throw new Error(`${answer.status} instead of ${String(status)}: ${answer.body}`);
  return answer.body;
}

async function withConnections<T>(load: HttpLoad, use: (all: Connection[]) => Promise<T>): Promise<T> {
  const all = await Promise.all(Array.from({ length: load.concurrency }, () => Connection.open(load.port)));
  try {
    return await use(all);
  } finally {
    for (const connection of all) connection.close();
  }
}

export const closed = (load: HttpLoad): Promise<Figures> =>
  withConnections(load, (all) => closedLoop(load, async (loop) => void (await send(all[loop]!, load))));

/** Each request once. */
export const each = (load: HttpLoad): Promise<Figures> =>
  withConnections(load, async (all) => {
    const latencies: number[] = [];
    const left = load.requests.values();
    const startedAt = performance.now();
    const loop = async (connection: Connection) => {
      for (const request of left) {
        const before = performance.now();
        await send(connection, { ...load, requests: [request] });
        latencies.push(performance.now() - before);
      }
    };
    await Promise.all(all.map(loop));
    return figuresOf(latencies, performance.now() - startedAt);
  });

/** Latencies count from the moment a request was due. `onAnswer` gets each body. */
export function paced(load: PacedLoad, onAnswer?: (body: string) => void): Promise<Figures> {
  const everyMs = 1000 / load.perSecond;
  return withConnections(load, async (all) => {
    const latencies: number[] = [];
    const startedAt = performance.now();
    const loop = async (connection: Connection, number: number) => {
      for (let i = number; i * everyMs < load.durationMs; i += all.length) {
        const due = startedAt + i * everyMs;
        if (due > performance.now()) await wait(due - performance.now());
        const body = await send(connection, load);
        latencies.push(performance.now() - due);
        onAnswer?.(body);
      }
    };
    await Promise.all(all.map(loop));
    return figuresOf(latencies, performance.now() - startedAt);
  });
}

/** What goes before a load that counts: its first requests would tell how this process and its connections begin. */
export const warm = (load: PacedLoad): Promise<Figures> => paced({ ...load, durationMs: load.durationMs / 5 });

if (require.main === module) serveJobs({ closed, each, paced: (load: PacedLoad) => paced(load) });
