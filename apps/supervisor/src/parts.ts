import { join } from 'node:path';
import { isService } from '#contracts/services.js';
import { type PartPlan } from './child.js';
import { dialledAt } from './ports.js';
import { type PartName } from './settings.js';

/** What is known about this run once the ports are picked and the secrets opened. */
export interface Wiring {
  /** What every part inherits from the environment of the supervisor. */
  inherited: NodeJS.ProcessEnv;
  /** The inner port of each part; for a service, the one of its health and metrics. */
  ports: Record<PartName, number>;
  /** Where the gateway listens. */
  host: string;
  publicPort: number;
  /** Where this machine reaches the gateway. */
  url: string;
  dataDir: string;
  /** With the login of the event store. */
  eventstoreUrl: string;
  /** The password of the embedded event store's one user. */
  eventstorePassword: string;
  natsUrl: string;
  busPassword: (user: string) => string;
  /** The password of a schema's role. */
  schemaPassword: (schema: string) => string;
  /** The database URL of a service, as its own role. */
  databaseUrl: (service: string) => string;
  /** The key-encryption key of the vault, as a variable or a file. */
  vaultKey: NodeJS.ProcessEnv;
  /** Lets its holder make the first administrator of the dashboard. */
  setupCode: string;
  /** Where the providers send their webhooks. */
  webhookBaseUrl: string;
  /** The bank simulator's credentials; undefined when real provider credentials are in the environment. */
  sandbox?: SandboxCredentials;
  /** Our applications at OAuth providers. */
  oauth: NodeJS.ProcessEnv;
  /** The key that signs the timeline, or the file with it, where the environment names one. */
  auditSigning: NodeJS.ProcessEnv;
  /** Real provider settings from the environment, passed on as they are. */
  providers: NodeJS.ProcessEnv;
}

export interface SandboxCredentials {
  PLAID_CLIENT_ID: string;
  PLAID_SECRET: string;
  TELLER_APPLICATION_ID: string;
  TELLER_SIGNING_SECRET: string;
  SANDBOX_OAUTH_CLIENT_SECRET: string;
}

type NodePart = Exclude<PartName, 'postgres' | 'nats'>;

/** The environment of each part that is a program of ours: the whole wiring of the system on one page. */
const environments: Record<NodePart, (wiring: Wiring) => NodeJS.ProcessEnv> = {
  eventstore: ({ ports, databaseUrl, eventstorePassword }) => ({
    DATABASE_URL: databaseUrl('eventstore'),
    EVENTSTORE_HOST: '127.0.0.1',
    EVENTSTORE_PORT: String(ports.eventstore),
    EVENTSTORE_PASSWORD: eventstorePassword,
  }),
  'sandbox-bank': ({ ports, url, dataDir, sandbox }) => ({
    SANDBOX_BANK_PORT: String(ports['sandbox-bank']),
    SANDBOX_BANK_DATA: join(dataDir, 'sandbox-bank.json'),
    TELLER_WEBHOOK_URL: `${url}/v1/webhooks/teller`,
    ...sandbox,
  }),
  key: (wiring) => ({ ...serviceEnvironment('key', wiring), SETUP_CODE: wiring.setupCode }),
  connection: (wiring) => ({
    ...serviceEnvironment('connection', wiring),
    ...wiring.vaultKey,
    ...providerEnvironment(wiring),
    ...wiring.oauth,
    WEBHOOK_BASE_URL: wiring.webhookBaseUrl,
  }),
  'link-session': (wiring) => serviceEnvironment('link-session', wiring),
  audit: (wiring) => ({ ...serviceEnvironment('audit', wiring), ...wiring.auditSigning }),
  gateway: (wiring) => ({
    ...serviceEnvironment('gateway', wiring),
    ...publicPart(providerEnvironment(wiring)),
    DATABASE_URL: undefined,
    EVENTSTORE_URL: undefined,
    HEALTH_PORT: undefined,
    HOST: wiring.host,
    PORT: String(wiring.publicPort),
  }),
};

function serviceEnvironment(service: NodePart, wiring: Wiring): NodeJS.ProcessEnv {
  return {
    NATS_URL: wiring.natsUrl,
    NATS_USER: service,
    NATS_PASSWORD: wiring.busPassword(service),
    EVENTSTORE_URL: wiring.eventstoreUrl,
    DATABASE_URL: wiring.databaseUrl(service),
    HEALTH_PORT: String(wiring.ports[service]),
    DATA_DIR: wiring.dataDir,
  };
}

/** Real credentials as they are, or the bank simulator for the real adapters; nothing else tells the two apart. */
function providerEnvironment({ ports, sandbox, providers }: Wiring): NodeJS.ProcessEnv {
  if (!sandbox) return providers;
  const bank = `http://127.0.0.1:${ports['sandbox-bank']}`;
  return {
    SANDBOX: 'true',
    SANDBOX_BANK_URL: bank,
    PLAID_BASE_URL: bank,
    PLAID_SCRIPT_URL: `${bank}/link/v2/stable/link-initialize.js`,
    TELLER_BASE_URL: bank,
    TELLER_SCRIPT_URL: `${bank}/connect/connect.js`,
    ...sandbox,
  };
}

/** What the gateway may know of it: it shows the providers' scripts, and holds none of their secrets. */
const publicPart = ({ SANDBOX, PLAID_SCRIPT_URL, TELLER_SCRIPT_URL }: NodeJS.ProcessEnv) => ({
  SANDBOX,
  PLAID_SCRIPT_URL,
  TELLER_SCRIPT_URL,
});

/** The compiled program of an app, found from this file's own place in dist. */
export const programOf = (app: string) => join(__dirname, '..', '..', app, 'src', 'main.js');

const apps: Partial<Record<PartName, string>> = { eventstore: 'eventstore-embedded' };

/** A service may have asked a provider, and ends once it has written down what that gave: sweeps first, then requests. */
const SERVICE_STOPS_WITHIN_MS = 30_000;

/** The plan of a part that is a Node program of ours. */
export function nodePart(name: NodePart, wiring: Wiring): PartPlan {
  const port = name === 'gateway' ? wiring.publicPort : wiring.ports[name];
  const urls: Partial<Record<PartName, string>> = {
    eventstore: wiring.eventstoreUrl,
    gateway: wiring.url,
    'sandbox-bank': `http://127.0.0.1:${port}`,
  };
  return {
    name,
    command: process.execPath,
    args: ['--enable-source-maps', programOf(apps[name] ?? name)],
    env: { ...wiring.inherited, SUPERVISED: '1', ...environments[name](wiring) },
    port,
    host: name === 'gateway' ? dialledAt(wiring.host) : undefined,
    url: urls[name],
    tells: true,
    ...(isService(name) && { startedPath: '/health/started', stopWithinMs: SERVICE_STOPS_WITHIN_MS }),
  };
}
