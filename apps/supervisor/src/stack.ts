import { openDataFolder } from './data-folder.js';
import { startDeadline } from './deadline.js';
import { openLogs } from './logs.js';
import { bindError } from './ports.js';
import { notReady, setupIsOpen } from './ready.js';
import { claimRunFile } from './run-file.js';
import { type PartName, type Settings } from './settings.js';
import { inOrder, localParts, ownSchemas, planPart, provisionDatabase, type Preparation } from './start-order.js';
import { StartError } from './start-error.js';
import { refuseUnsafe } from './unsafe.js';
import { supervise } from './supervise.js';
import { busLogins, wire } from './wiring.js';

/** A slow machine takes a minute; a part with a wrong setting says so by itself, long before. */
const startWithinMs = 180_000;

/** A data folder that is claimed, with everything worked out and nothing started yet. */
export async function openStack(settings: Settings, env: NodeJS.ProcessEnv, say: (line: string) => void) {
  const secrets = openDataFolder(settings.DATA_DIR);
  const wiring = await wire(settings, env, secrets);
  refuseUnsafe(settings, wiring);
  const parts = localParts(settings, wiring);
  const own = ownSchemas(settings, parts);
  const runFile = await claimRunFile(settings.DATA_DIR, wiring.url);
  const logs = openLogs(settings.DATA_DIR);
  const { signal, migrating } = startDeadline(startWithinMs);
  const supervisor = supervise({ logs, runFile, say, migrating });
  const preparation: Preparation = { settings, wiring, secrets, say };

  const endOf = (part: string) => `The end of ${logs.path(part)}:\n${logs.tail(part)}`;
  const startPart = async (name: PartName) => {
    await supervisor.start(await planPart(name, preparation), signal);
    say(`${name}: listening`);
    // It listens before it has found that it cannot go on; why, stands in its log alone.
    if (name === 'postgres') await provisionDatabase(preparation, own, () => endOf(name));
  };

  /** On a machine for trying things out, tests and the command line find the code in the run file. */
  const offerSetup = async (): Promise<string | null> => {
    if (!parts.has('gateway') || !(await setupIsOpen(wiring.url))) return null;
    if (settings.NODE_ENV !== 'production') runFile.run.setup_code = wiring.setupCode;
    runFile.save();
    return wiring.setupCode;
  };

  return {
    wiring,
    /** Starts every part and resolves when the whole answers, with the set-up code if nobody has used one yet. */
    async start(): Promise<string | null> {
      if (parts.has('gateway')) await refuseTakenPort(settings);
      Object.assign(runFile.run, {
        nats: { url: wiring.natsUrl, users: busLogins(wiring) },
        eventstore: { url: wiring.eventstoreUrl },
        databases: Object.fromEntries(own.map((schema) => [schema, wiring.databaseUrl(schema)])),
      });
      runFile.save();
      if (settings.DATABASE_URL) await provisionDatabase(preparation, own);
      await inOrder(parts, startPart);
      const waiting = parts.has('gateway') ? await notReady(wiring.url, signal) : [];
      if (waiting.length === 0) return offerSetup();
      const tails = waiting.map(endOf).join('\n');
      throw new StartError(`Not ready within ${startWithinMs / 1000} s: ${waiting.join(', ')}.\n${tails}`);
    },
    async stop(): Promise<void> {
      await supervisor.stop();
      runFile.remove();
    },
  };
}

async function refuseTakenPort({ HOST, PORT }: Settings): Promise<void> {
  const code = await bindError(PORT, HOST);
  if (code === 'EADDRINUSE') {
    throw new StartError(`Port ${PORT} is taken by another program. Choose another one: PORT=${PORT + 1} npm start`);
  }
  if (code)
    throw new StartError(`Cannot listen on ${HOST}, port ${PORT} (${code}). Choose another with HOST and PORT.`);
}
