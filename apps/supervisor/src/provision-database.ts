import { provision, schemas } from './provision.js';

/**
 * Makes the database, schemas and roles on an outside Postgres, for installations that run each part on its own:
 * DATABASE_URL is the administrator's, POSTGRES_PASSWORD_<SCHEMA> each role's. Run before every start; it repeats safely.
 */
async function main(): Promise<void> {
  const variables = schemas.map((schema) => [schema, `POSTGRES_PASSWORD_${schema.toUpperCase()}`] as const);
  const needed = ['DATABASE_URL', ...variables.map(([, variable]) => variable)];
  const missing = needed.filter((name) => !process.env[name]);
  if (missing.length > 0) throw new Error(`Set ${missing.join(', ')}`);
  const passwords = Object.fromEntries(variables.map(([schema, variable]) => [schema, process.env[variable]!]));
  await provision(process.env.DATABASE_URL!, passwords);
  console.log(`schemas: ${schemas.join(', ')}`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
