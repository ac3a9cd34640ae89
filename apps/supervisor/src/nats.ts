import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { busAccounts, natsServerConfig } from '#service/bus-accounts.js';
import { type PartPlan } from './child.js';
import { programOf } from './parts.js';
import { type Secrets, writePrivately } from './secrets.js';

export interface BusChoice {
  plan: PartPlan;
  /** Which server it is, in words for the person who starts it. */
  description: string;
}

interface Bus {
  /** `embedded` passes over a nats-server that is installed. */
  choice: 'auto' | 'embedded';
  port: number;
  secrets: Secrets;
  inherited: NodeJS.ProcessEnv;
  passwordOf: (user: string) => string;
}

/** The real nats-server where one is installed, our embedded broker otherwise; both get the same users and permissions. */
export function localBus({ choice, port, secrets, inherited, passwordOf }: Bus): BusChoice {
  const common = { name: 'nats' as const, port, url: `nats://127.0.0.1:${port}` };
  const accounts = busAccounts(passwordOf);
  const server = choice === 'embedded' ? undefined : installedServer();
  if (server) {
    const file = join(secrets.dir, 'nats.conf');
    writePrivately(file, natsServerConfig(`127.0.0.1:${port}`, accounts));
    return {
      // One core carries far more messages than the rest of this machine makes; on several, idle ones spin for work.
      plan: { ...common, command: server.command, args: ['-c', file], env: { GOMAXPROCS: '1', ...inherited } },
      description: server.version,
    };
  }
  const file = join(secrets.dir, 'bus-accounts.json');
  writePrivately(file, JSON.stringify(accounts));
  const env = { ...inherited, SUPERVISED: '1', BROKER_PORT: String(port), BROKER_ACCOUNTS_FILE: file };
  return {
    plan: { ...common, command: process.execPath, args: ['--enable-source-maps', programOf('broker')], env },
    description: 'embedded broker, for development: install nats-server for the real one',
  };
}

/** Debian puts the server where the PATH of ordinary users does not look. */
const places = ['nats-server', '/usr/sbin/nats-server', '/usr/local/sbin/nats-server'];

export function installedServer(): { command: string; version: string } | undefined {
  for (const command of places) {
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    if (status === 0) return { command, version: stdout.trim() };
  }
  return undefined;
}
