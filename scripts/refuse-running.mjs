// Before `npm start` and `npm run reset` make dist anew: what runs on this DATA_DIR would find other code at its next restart of a part.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

// The code of what runs; without it nothing does, and one of before has no such question.
const runFile = fileURLToPath(new URL('../dist/apps/supervisor/src/run-file.js', import.meta.url));
if (existsSync('.env')) process.loadEnvFile('.env');
try {
  if (existsSync(runFile))
    createRequire(import.meta.url)(runFile).refuseInUse?.(resolve(process.env.DATA_DIR || '.data'));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
