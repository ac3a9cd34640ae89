// Prints every secret that docker compose needs, freshly made: `node deploy/make-secrets.mjs >> .env`, once.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

// Of two lines the later one counts: another vault key would open nothing that is stored.
if (existsSync('.env') && /^VAULT_KEK=./m.test(readFileSync('.env', 'utf8'))) {
  console.error('.env holds secrets already (VAULT_KEK). With other ones nothing that is stored could be read.');
  process.exit(1);
}

const users = ['GATEWAY', 'KEY', 'CONNECTION', 'LINK_SESSION', 'AUDIT', 'SUBSCRIBER', 'CLI'];
const schemas = ['KEY', 'CONNECTION', 'LINK_SESSION', 'AUDIT', 'EVENTSTORE'];
const names = [
  ...users.map((user) => `NATS_PASSWORD_${user}`),
  ...schemas.map((schema) => `POSTGRES_PASSWORD_${schema}`),
  'POSTGRES_PASSWORD',
  'EVENTSTORE_ADMIN_PASSWORD',
];

// The leading letter keeps nats-server from reading a password as a number.
for (const name of names) console.log(`${name}=s${randomBytes(24).toString('hex')}`);
console.log(`VAULT_KEK=${randomBytes(32).toString('base64')}`);
const signing = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' });
console.log(`AUDIT_SIGNING_KEY=${signing.toString('base64')}`);
