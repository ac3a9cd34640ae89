// Before `npm start` and `npm run reset` make dist anew: what runs on this DATA_DIR would find other code at its next restart of a part.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

if (existsSync('.env')) process.loadEnvFile('.env');
try {
  builtBefore().refuseInUse?.(resolve(process.env.DATA_DIR || '.data'));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

/** The code of what runs. Where there is none, or one that was broken off half made, nothing runs on it. */
function builtBefore() {
  try {
    return createRequire(import.meta.url)(
      fileURLToPath(new URL('../dist/apps/supervisor/src/run-file.js', import.meta.url)),
    );
  } catch {
    return {};
  }
}
