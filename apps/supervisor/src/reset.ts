import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { removeDataFolder } from './data-folder.js';
import { endPostmasterOf } from './postmaster.js';
import { endLeftBehind } from './run-file.js';
import { StartError } from './start-error.js';

/** Removes all data, unless Latchkey runs there: a stack whose files are gone neither recovers nor ends. */
async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const dataDir = resolve(process.env.DATA_DIR || '.data');
  await endLeftBehind(dataDir);
  await endPostmasterOf(join(dataDir, 'postgres'));
  const { database, others } = removeDataFolder(dataDir);
  if (database) console.log(`${database} is left: it was not made for this folder. Remove it if nothing else uses it.`);
  if (others.length > 0) console.log(`${dataDir} is left: there is more in it than Latchkey's (${others.join(', ')}).`);
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 1;
});
