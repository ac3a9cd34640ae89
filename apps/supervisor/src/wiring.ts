import { busUsers } from '#contracts/bus-users.js';
import { newSetupCode } from '#contracts/secrets.js';
import { busPasswordVariable } from '#service/bus-accounts.js';
import { type SandboxCredentials, type Wiring } from './parts.js';
import { dialledAt, freePort } from './ports.js';
import { roleUrl, schemaOf } from './provision.js';
import { keyEncryptionKey, type Secrets } from './secrets.js';
import { type PartName, partNames, type Settings } from './settings.js';

/** Settings a part gets from the wiring alone: what the supervisor was given is not meant for all of them. */
const reserved =
  /^(DATABASE_URL|EVENTSTORE_(URL|PASSWORD|ADMIN_PASSWORD)|PORT|HOST|(NATS|POSTGRES|PLAID|TELLER|OAUTH|VAULT|AUDIT|LATCHKEY|npm)_.*|WEBHOOK_BASE_URL|SETUP_CODE)$/;

const pick = (env: NodeJS.ProcessEnv, test: (name: string) => boolean): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name, value]) => value !== '' && test(name)));

/** The password of a bus user: from the environment when an outside server has its own users, generated otherwise. */
export const busPasswordOf = (env: NodeJS.ProcessEnv, secrets: Secrets) => (user: string) =>
  env[busPasswordVariable(user)] || secrets.read(`nats-${user}`);

/** The password of a service's role: from the environment where several machines share one database, generated otherwise. */
export const schemaPasswordOf = (env: NodeJS.ProcessEnv, secrets: Secrets) => (schema: string) =>
  env[`POSTGRES_PASSWORD_${schema.toUpperCase()}`] || secrets.read(`postgres-${schema}`);

/** Works out where everything is and which secrets open it. Generated ports are new in each run, secrets are not. */
export async function wire(settings: Settings, env: NodeJS.ProcessEnv, secrets: Secrets): Promise<Wiring> {
  const ports = await pickPorts(settings.PORT);
  const publicPort = settings.PORT || ports.gateway;
  const adminUrl = databaseAdminUrl(settings, ports.postgres, secrets);
  const eventstorePassword = secrets.read('eventstore-admin');
  const schemaPassword = schemaPasswordOf(env, secrets);
  const providers = pick(env, (name) => /^(PLAID|TELLER)_/.test(name));
  const url = localUrl(settings.HOST, publicPort);
  const sandbox = isReal(providers) ? undefined : sandboxCredentials(secrets);
  return {
    inherited: pick(env, (name) => !reserved.test(name)),
    ports,
    host: settings.HOST,
    publicPort,
    url,
    dataDir: settings.DATA_DIR,
    eventstoreUrl:
      settings.EVENTSTORE_URL ?? `esdb://admin:${eventstorePassword}@127.0.0.1:${ports.eventstore}?tls=false`,
    eventstorePassword,
    natsUrl: settings.NATS_URL ?? `nats://127.0.0.1:${ports.nats}`,
    busPassword: busPasswordOf(env, secrets),
    schemaPassword,
    databaseUrl: (service) => {
      const schema = schemaOf(service);
      return roleUrl(adminUrl, schema, schemaPassword(schema));
    },
    vaultKey: vaultKey(env, secrets),
    setupCode: settings.SETUP_CODE ?? newSetupCode(),
    webhookBaseUrl: (sandbox ? '' : env.WEBHOOK_BASE_URL || env.PUBLIC_BASE_URL) || url,
    sandbox,
    providers,
    oauth: pick(env, (name) => name.startsWith('OAUTH_')),
    auditSigning: pick(env, (name) => name.startsWith('AUDIT_')),
  };
}

export function databaseAdminUrl(settings: Settings, port: number, secrets: Secrets): string {
  const own = () => `postgres://postgres:${secrets.read('postgres-admin')}@127.0.0.1:${port}/postgres?sslmode=disable`;
  return settings.DATABASE_URL ?? own();
}

/** Users of the bus with their passwords, for the run file. */
export const busLogins = (wiring: Wiring) =>
  Object.fromEntries(Object.keys(busUsers).map((user) => [user, { user, password: wiring.busPassword(user) }]));

async function pickPorts(publicPort: number): Promise<Record<PartName, number>> {
  const taken = new Set([publicPort]);
  const ports: Partial<Record<PartName, number>> = {};
  for (const name of partNames) ports[name] = await freePort(taken);
  return ports as Record<PartName, number>;
}

/** Where this machine reaches the gateway. */
function localUrl(listenHost: string, port: number): string {
  const host = dialledAt(listenHost);
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function vaultKey(env: NodeJS.ProcessEnv, secrets: Secrets): NodeJS.ProcessEnv {
  const { VAULT_KEK, VAULT_KEK_FILE, VAULT_KEK_CURRENT } = env;
  if (VAULT_KEK) return { VAULT_KEK, VAULT_KEK_CURRENT };
  return { VAULT_KEK_CURRENT, VAULT_KEK_FILE: VAULT_KEK_FILE || secrets.file('vault.key', keyEncryptionKey) };
}

const isReal = (providers: NodeJS.ProcessEnv) => Boolean(providers.PLAID_CLIENT_ID ?? providers.TELLER_APPLICATION_ID);

function sandboxCredentials(secrets: Secrets): SandboxCredentials {
  return {
    PLAID_CLIENT_ID: secrets.read('sandbox-plaid-client-id'),
    PLAID_SECRET: secrets.read('sandbox-plaid-secret'),
    TELLER_APPLICATION_ID: secrets.read('sandbox-teller-application-id'),
    TELLER_SIGNING_SECRET: secrets.read('sandbox-teller-signing-secret'),
    SANDBOX_OAUTH_CLIENT_SECRET: secrets.read('sandbox-oauth-client-secret'),
  };
}
