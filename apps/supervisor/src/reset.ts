import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { endLeftBehind } from './run-file.js';
import { StartError } from './start-error.js';

/** Removes the data folder, unless Latchkey runs there: a stack whose files are gone neither recovers nor ends. */
async function main(): Promise<void> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const dataDir = resolve(process.env.DATA_DIR || '.data');
  await endLeftBehind(dataDir);
  rmSync(dataDir, { recursive: true, force: true });
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 1;
});
