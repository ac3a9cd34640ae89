import { readFileSync } from 'node:fs';
import { busMaxPayloadBytes } from '#contracts/bus-users.js';
import { endWithSupervisor } from '#service/process.js';
import { startBroker } from './broker.js';
import { type Account } from './rights.js';

// On a full disk nobody can be told where it listens: it serves all the same.
process.stdout.on('error', () => undefined);
endWithSupervisor();
const env = process.env;
const mebibyte = 1024 * 1024;

startBroker({
  host: '127.0.0.1',
  port: Number(env.BROKER_PORT ?? 4222),
  accounts: JSON.parse(readFileSync(env.BROKER_ACCOUNTS_FILE ?? 'bus-accounts.json', 'utf8')) as Account[],
  maxPayloadBytes: busMaxPayloadBytes,
  maxPendingBytes: Number(env.BROKER_MAX_PENDING_BYTES ?? 64 * mebibyte),
}).then(
  ({ port }) => process.stdout.write(`listening ${port}\n`),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
