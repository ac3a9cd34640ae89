import { resolve } from 'node:path';
import { z } from 'zod';
import { isSetupCode, SETUP_CODE_RULE } from '#contracts/secrets.js';
import { services } from '#contracts/services.js';
import { providerEnv } from '#service/provider-env.js';
import { StartError } from './start-error.js';

/** Every part of the system, in the order they start. */
export const partNames = ['postgres', 'nats', 'eventstore', 'sandbox-bank', ...services, 'gateway'] as const;
export type PartName = (typeof partNames)[number];

const url = (...protocols: string[]) =>
  z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

/** Without one, a URL takes no user: each service would sign in as whoever runs it, with all rights. */
const withHost = url('postgres:', 'postgresql:').refine((text) => !URL.canParse(text) || new URL(text).host !== '', {
  error: 'must name a host; of a socket, its folder as %2Fvar%2Frun%2Fpostgresql',
});
/** Such a character ends the password early: what follows would be taken for the host or the database, and shown as such. */
const database = withHost.refine(isEncoded, {
  error: 'characters like @ : / ? # % in its user and password must be percent-encoded, as %40 for @',
});
const PORT_RULE = 'must be a number from 0 to 65535';
/** Several hosts are a cluster, and no URL to Node. */
const eventStore = z
  .string()
  .regex(/^esdb(\+discover)?:\/\/[^/?]/, 'must start with esdb:// or esdb+discover://')
  .refine((text) => isDecodable(/^[^:]+:\/\/(.*)@/.exec(text)?.[1] ?? ''), {
    error: 'a % in its user and password must be percent-encoded, as %25',
  });

const environment = z.object({
  /** 0 picks a free one. */
  PORT: z.coerce.number(PORT_RULE).int(PORT_RULE).min(0, PORT_RULE).max(65_535, PORT_RULE).default(8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  DATA_DIR: z
    .string()
    .min(1)
    .default('.data')
    .transform((dir) => resolve(dir)),
  DATABASE_URL: database.optional(),
  NATS_URL: url('nats:', 'tls:').optional(),
  NATS_SERVER: z.enum(['auto', 'embedded']).default('auto'),
  EVENTSTORE_URL: eventStore.optional(),
  PUBLIC_BASE_URL: url('http:', 'https:').optional(),
  SETUP_CODE: z.string().refine(isSetupCode, SETUP_CODE_RULE).optional(),
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  LATCHKEY_PARTS: z
    .string()
    .default(partNames.join(','))
    .transform((list) => list.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(partNames, { error: `must be a comma list of ${partNames.join(', ')}` }))),
});

export type Settings = z.infer<typeof environment>;

/** Reads the environment once. An empty variable counts as unset; a malformed one ends the start by its name. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const { success, data, error } = environment.and(providerEnv).safeParse(set);
  if (success) return data;
  throw new StartError(error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`).join('\n'));
}

function isEncoded(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password, pathname, search, hash } = new URL(text);
  const isWhole = hash === '' && !`${pathname}${search.split('=')[0]}`.includes('@');
  return isWhole && isDecodable(username) && isDecodable(password);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
