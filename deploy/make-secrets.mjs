// Prints every secret that docker compose needs and .env lacks, freshly made: `node deploy/make-secrets.mjs >> .env`, also after
// an upgrade. Of two lines the later one counts, so what is there is never made again: another vault key would open nothing.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

const before = existsSync('.env') ? readFileSync('.env', 'utf8') : '';
// The shell has made or opened it before this runs. From now on nobody else on this machine is to read it.
if (existsSync('.env')) chmodSync('.env', 0o600);

const users = ['GATEWAY', 'KEY', 'CONNECTION', 'LINK_SESSION', 'AUDIT', 'SUBSCRIBER', 'CLI'];
const schemas = ['KEY', 'CONNECTION', 'LINK_SESSION', 'AUDIT', 'EVENTSTORE'];
// The leading letter keeps nats-server from reading a password as a number.
const password = () => `s${randomBytes(24).toString('hex')}`;
const signing = () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'der' });

const secrets = {
  ...Object.fromEntries(users.map((user) => [`NATS_PASSWORD_${user}`, password])),
  ...Object.fromEntries(schemas.map((schema) => [`POSTGRES_PASSWORD_${schema}`, password])),
  POSTGRES_PASSWORD: password,
  EVENTSTORE_ADMIN_PASSWORD: password,
  VAULT_KEK: () => randomBytes(32).toString('base64'),
  AUDIT_SIGNING_KEY: () => signing().toString('base64'),
};
// docker compose puts them into URLs as they are.
const unfit = Object.entries(parseEnv(before))
  .filter(
    ([name, value]) => /^(POSTGRES|EVENTSTORE_ADMIN)_PASSWORD/.test(name) && /[@:/?#%[\]\\$\s"'`<>{}]/.test(value),
  )
  .map(([name]) => name);
if (unfit.length > 0) {
  console.error(`${unfit.join(', ')}: best only letters and digits here, as docker compose puts them into URLs.`);
  process.exit(1);
}
const has = (name) => new RegExp(`^ *(export +)?${name} *= *[^ \\n]`, 'm').test(before);
// The timeline's key may be in a file of its own.
if (has('AUDIT_SIGNING_KEY_FILE')) delete secrets.AUDIT_SIGNING_KEY;
const lines = Object.entries(secrets).flatMap(([name, make]) => (has(name) ? [] : [`${name}=${make()}`]));
if (lines.length > 0 && before !== '' && !before.endsWith('\n')) console.log();
for (const line of lines) console.log(line);
