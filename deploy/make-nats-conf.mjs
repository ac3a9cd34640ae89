// Writes deploy/nats.conf from the table of bus users: `npm run build && node deploy/make-nats-conf.mjs`.
// The server reads the passwords from its environment, so the file holds no secret.
import { writeFileSync } from 'node:fs';
import bus from '../dist/libs/service/src/bus-accounts.js';

const { busAccounts, busPasswordVariable, natsServerConfig } = bus;
const accounts = busAccounts((user) => `$${busPasswordVariable(user)}`);
writeFileSync(new URL('nats.conf', import.meta.url), natsServerConfig('0.0.0.0:4222', accounts, '127.0.0.1:8222'));
