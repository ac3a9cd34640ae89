import { isService, services } from '#contracts/services.js';
import { type PartPlan } from './child.js';
import { embeddedPostgres } from './postgres.js';
import { localBus } from './nats.js';
import { nodePart, type Wiring } from './parts.js';
import { provision, type Schema, schemaOf, schemas } from './provision.js';
import { type Secrets } from './secrets.js';
import { type PartName, partNames, type Settings } from './settings.js';
import { StartError } from './start-error.js';
import { databaseAdminUrl } from './wiring.js';

/** What has to listen before a part is started; everything else starts side by side. */
const startsAfter = (name: PartName): PartName[] => {
  if (name === 'eventstore') return ['postgres'];
  if (name === 'gateway') return ['nats'];
  return isService(name) ? ['postgres', 'nats', 'eventstore'] : [];
};

/** Who asks stops before who answers: the first group first, each group together. */
export const stopOrder: PartName[][] = [
  ['gateway'],
  [...services],
  ['nats', 'eventstore', 'sandbox-bank'],
  ['postgres'],
];

/** Starts the parts, each as soon as those it needs have started. */
export async function inOrder(parts: Set<PartName>, start: (name: PartName) => Promise<void>): Promise<void> {
  const started = new Map<PartName, Promise<void>>();
  for (const name of partNames.filter((part) => parts.has(part))) {
    const needed = Promise.all(startsAfter(name).flatMap((other) => started.get(other) ?? []));
    started.set(
      name,
      needed.then(() => start(name)),
    );
  }
  await Promise.all(started.values());
}

/** Parts that were asked for and are not served from outside. */
export function localParts(settings: Settings, wiring: Wiring): Set<PartName> {
  const parts = new Set(settings.LATCHKEY_PARTS);
  if (settings.DATABASE_URL) parts.delete('postgres');
  if (settings.NATS_URL) parts.delete('nats');
  if (settings.EVENTSTORE_URL) parts.delete('eventstore');
  if (!wiring.sandbox) parts.delete('sandbox-bank');
  const needDatabase = ['eventstore', ...services] as const;
  if (needDatabase.some((part) => parts.has(part)) && !settings.DATABASE_URL && !parts.has('postgres')) {
    throw new StartError('LATCHKEY_PARTS: parts that store something need postgres, in the list or as DATABASE_URL.');
  }
  return parts;
}

export interface Preparation {
  settings: Settings;
  wiring: Wiring;
  secrets: Secrets;
  say: (line: string) => void;
}

/** Makes what a part needs on disk, and returns how it is run. */
export async function planPart(name: PartName, { settings, wiring, secrets, say }: Preparation): Promise<PartPlan> {
  const { ports, inherited, busPassword } = wiring;
  if (name === 'postgres') {
    return embeddedPostgres(settings.DATA_DIR, secrets.read('postgres-admin'), { port: ports.postgres, inherited });
  }
  if (name === 'nats') {
    const bus = localBus({
      choice: settings.NATS_SERVER,
      port: ports.nats,
      secrets,
      inherited,
      passwordOf: busPassword,
    });
    say(`nats: ${bus.description}`);
    return bus.plan;
  }
  return nodePart(name, wiring);
}

/**
 * Of the embedded database all of them. An outside one may be the home of parts that run elsewhere, with passwords that
 * are not known here: only those of parts that are started here are touched.
 */
export function ownSchemas(settings: Settings, parts: Set<PartName>): Schema[] {
  if (!settings.DATABASE_URL) return [...schemas];
  const names = new Set([...parts].map(schemaOf));
  return schemas.filter((schema) => names.has(schema));
}

/** Gives services their role and schema, on the embedded database and on an outside one alike; see provision for `advice`. */
export async function provisionDatabase(
  { settings, wiring, secrets }: Preparation,
  own: Schema[],
  advice?: () => string,
): Promise<void> {
  const passwords = Object.fromEntries(own.map((schema) => [schema, wiring.schemaPassword(schema)]));
  await provision(databaseAdminUrl(settings, wiring.ports.postgres, secrets), passwords, advice);
}
