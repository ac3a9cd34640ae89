import { provision, schemas } from './provision.js';

/**
 * Makes the database, schemas and roles on an outside Postgres, for installations that run each part on its own:
 * DATABASE_URL is the administrator's, POSTGRES_PASSWORD_<SCHEMA> each role's. Run before every start; it repeats safely.
 */
async function main(): Promise<void> {
  const needed = ['DATABASE_URL', ...schemas.map((schema) => `POSTGRES_PASSWORD_${schema.toUpperCase()}`)];
  const missing = needed.filter((name) => !process.env[name]);
  if (missing.length > 0) throw new Error(`Set ${missing.join(', ')}`);
  await provision(process.env.DATABASE_URL!, (schema) => process.env[`POSTGRES_PASSWORD_${schema.toUpperCase()}`]!);
  console.log(`schemas: ${schemas.join(', ')}`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
