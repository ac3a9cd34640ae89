import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { removeDataFolder } from './data-folder.js';
import { endLeftBehind } from './run-file.js';
import { StartError } from './start-error.js';

/** Removes all data, unless Latchkey runs there: a stack whose files are gone neither recovers nor ends. */
async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const dataDir = resolve(process.env.DATA_DIR || '.data');
  await endLeftBehind(dataDir);
  const left = removeDataFolder(dataDir);
  if (left) console.log(`${left} is left: it was not made for this folder. Remove it if nothing else uses it.`);
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 1;
});
