import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves to the error code that binding gives, or to undefined when the port is free. */
export function bindError(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

/**
 * Picks a free inner port below the range from which the system takes the ports of outgoing connections: from inside
 * that range, the reconnecting client of a part that is down could take the part's own port.
 */
export async function freePort(taken: Set<number>): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if (taken.has(port) || (await bindError(port, '127.0.0.1'))) continue;
    taken.add(port);
    return port;
  }
}

/** Where this machine reaches who listens on that host: who listens on all addresses is on the loopback too. */
export const dialledAt = (listenHost: string): string =>
  ['0.0.0.0', '::'].includes(listenHost) ? '127.0.0.1' : listenHost;

interface Address {
  port: number;
  host?: string;
  startedPath?: string;
}

/** It listens, and says by HTTP that it has started where it can tell. */
const hasStarted = ({ startedPath, ...address }: Address): Promise<boolean> =>
  startedPath === undefined ? accepts(address) : answersOk(address, startedPath);

const answersOk = ({ port, host = '127.0.0.1' }: Address, path: string): Promise<boolean> =>
  fetch(`http://${host}:${port}${path}`, { signal: AbortSignal.timeout(1000) }).then(
    ({ ok }) => ok,
    () => false,
  );

function accepts({ port, host = '127.0.0.1' }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const answer = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
    socket.setTimeout(1000, () => answer(false));
  });
}

/** Waits until it has started. */
export async function started(address: Address, signal: AbortSignal): Promise<void> {
  while (!(await hasStarted(address))) await sleep(50, undefined, { signal });
}
