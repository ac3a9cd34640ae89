import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BusAccount, natsServerConfig } from '#service/bus-accounts.js';
import { installedServer } from '../apps/supervisor/src/nats.js';

/** A bus server of a test: it can go away and come back on the same port. */
export interface BusServer {
  port: number;
  up(): Promise<void>;
  down(): Promise<void>;
}

export const maxPayloadBytes = 4 * 1024 * 1024;
export const maxPendingBytes = 8 * 1024 * 1024;

const natsServer = installedServer()?.command;
export const realServerInstalled = natsServer !== undefined;

const programs = { 'nats-server': runNatsServer, 'the embedded broker': runBroker };
export type BusServerKind = keyof typeof programs;

/** Both servers are run as processes of their own, as the supervisor runs them. */
export function busServer(kind: BusServerKind, port: number, accounts: BusAccount[]): BusServer {
  let dir = '';
  let process: ReturnType<typeof spawn> | undefined;
  return {
    port,
    async up() {
      dir = mkdtempSync(join(tmpdir(), 'latchkey-bus-'));
      process = programs[kind](dir, port, accounts);
      while (!(await accepts(port))) await sleep(10);
    },
    async down() {
      if (!process) return;
      const gone = once(process, 'exit');
      process.kill('SIGKILL');
      await gone;
      process = undefined;
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function runNatsServer(dir: string, port: number, accounts: BusAccount[]) {
  const file = join(dir, 'nats.conf');
  const config = natsServerConfig(`127.0.0.1:${port}`, accounts);
  writeFileSync(file, `${config}max_pending: ${maxPendingBytes}\nwrite_deadline: "1s"\n`, { mode: 0o600 });
  return spawn(natsServer!, ['-c', file], { stdio: 'ignore' });
}

function runBroker(dir: string, port: number, accounts: BusAccount[]) {
  const file = join(dir, 'accounts.json');
  writeFileSync(file, JSON.stringify(accounts), { mode: 0o600 });
  const env = {
    ...process.env,
    BROKER_PORT: String(port),
    BROKER_ACCOUNTS_FILE: file,
    BROKER_MAX_PENDING_BYTES: String(maxPendingBytes),
  };
  return spawn(process.execPath, [join(__dirname, '../dist/apps/broker/src/main.js')], { env, stdio: 'ignore' });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
