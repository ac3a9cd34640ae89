import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { busMaxPayloadBytes } from '#contracts/bus-users.js';
import { readEnv } from '#service/config.js';
import { endWithSupervisor } from '#service/process.js';
import { startBroker } from './broker.js';
import { type Account } from './rights.js';

// On a full disk nobody can be told where it listens: it serves all the same.
process.stdout.on('error', () => undefined);
endWithSupervisor();
const mebibyte = 1024 * 1024;
const env = readEnv(
  z.object({
    BROKER_PORT: z.coerce.number().int().min(0).max(65_535).default(4222),
    BROKER_ACCOUNTS_FILE: z.string().default('bus-accounts.json'),
    BROKER_MAX_PENDING_BYTES: z.coerce
      .number()
      .int()
      .positive()
      .default(64 * mebibyte),
  }),
);

startBroker({
  host: '127.0.0.1',
  port: env.BROKER_PORT,
  accounts: JSON.parse(readFileSync(env.BROKER_ACCOUNTS_FILE, 'utf8')) as Account[],
  maxPayloadBytes: busMaxPayloadBytes,
  maxPendingBytes: env.BROKER_MAX_PENDING_BYTES,
}).then(
  ({ port }) => process.stdout.write(`listening ${port}\n`),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
