// Prints every secret that docker compose needs, freshly made: `node deploy/make-secrets.mjs >> .env`, once.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';

const before = existsSync('.env') ? readFileSync('.env', 'utf8') : '';
// Of two lines the later one counts: another vault key would open nothing that is stored.
if (/^VAULT_KEK=./m.test(before)) {
  console.error('.env holds secrets already (VAULT_KEK). With other ones nothing that is stored could be read.');
  process.exit(1);
}
// The shell has made or opened it before this runs. From now on nobody else on this machine is to read it.
if (existsSync('.env')) chmodSync('.env', 0o600);
if (before !== '' && !before.endsWith('\n')) console.log();

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
