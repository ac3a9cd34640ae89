import { existsSync } from 'node:fs';
import { readSettings } from './settings.js';
import { openStack } from './stack.js';
import { StartError } from './start-error.js';

// A terminal that is gone must not take the system down half way: what cannot be said is left unsaid.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const startedAt = Date.now();
const say = (line: string) => console.log(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(5)} s  ${line}`);

async function main(): Promise<void> {
  if (process.argv.length > 2) {
    throw new StartError(
      'npm start takes no words: its settings are variables, as in PORT=9000 npm start (.env.example).',
    );
  }
  if (process.env.NODE_ENV !== 'test' && existsSync('.env')) process.loadEnvFile('.env');
  const settings = readSettings(process.env);
  const stack = await openStack(settings, process.env, say);
  let stopping: Promise<void> | undefined;
  const stop = () => (stopping ??= stack.stop());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!stopping) say('stopping');
      void stop().then(() => process.exit());
    });
  }
  if (process.env.SUPERVISED === '1') process.stdin.resume().on('close', () => void stop().then(() => process.exit()));
  let setupCode: string | null = null;
  try {
    setupCode = await stack.start();
  } catch (error) {
    if (!stopping) complain(error);
    await stop();
    process.exit();
  }
  say('ready');
  if (settings.LATCHKEY_PARTS.includes('gateway')) console.log(greeting(stack.wiring, setupCode));
}

const greeting = ({ url }: { url: string }, setupCode: string | null) => {
  const base = url.replace('//127.0.0.1', '//localhost');
  const dashboard = setupCode
    ? `Dashboard: ${base}/admin/setup   with the set-up code ${setupCode}, which works once`
    : `Dashboard: ${base}/admin`;
  return `
Latchkey is ready at ${base}   (the API: /docs)
${dashboard}
Next: npx latchkey keys create --name agent --scope full_access
`;
};

/** What the person can mend is told in a sentence, anything else with its stack. */
function complain(error: unknown): void {
  console.error(error instanceof StartError ? `\n${error.message}` : error);
  process.exitCode = 1;
}

main().catch(complain);
