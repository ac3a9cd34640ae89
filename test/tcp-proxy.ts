import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** Bytes vanish in both directions, connections stay: what a broken switch looks like. */
  silence(): void;
  /** The same for the connections there are, while new ones work: what a failover leaves behind. */
  strand(): void;
  /** Connections break, and new ones break at once. */
  cut(): void;
  /** Everything flows again; what was held back comes late. */
  restore(): void;
  close(): void;
}

/** Stands between a process and a server on this machine, to be broken by a test. */
async function tcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const open = new Set<Socket>();
  let state: 'open' | 'silent' | 'cut' = 'open';
  const server = createServer((near) => {
    if (state === 'cut') return void near.destroy();
    const far = connect(target);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('data', (bytes) => void to.write(bytes));
      from.on('error', () => undefined);
      from.once('close', () => {
        open.delete(from);
        to.destroy();
      });
      if (state === 'silent') from.pause();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    silence() {
      state = 'silent';
      for (const socket of open) socket.pause();
    },
    strand() {
      state = 'open';
      for (const socket of open) socket.pause();
    },
    cut() {
      state = 'cut';
      for (const socket of open) socket.destroy();
    },
    restore() {
      state = 'open';
      for (const socket of open) socket.resume();
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** The same server by an address that leads through a proxy. */
export async function behindProxy(address: string): Promise<{ proxy: TcpProxy; url: string }> {
  const { hostname: host, port } = new URL(address);
  const proxy = await tcpProxy({ host, port: Number(port) });
  const { href: url } = Object.assign(new URL(address), { hostname: '127.0.0.1', port: String(proxy.port) });
  return { proxy, url };
}
