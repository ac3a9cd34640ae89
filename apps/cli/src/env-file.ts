import { parseEnv } from 'node:util';
import { readOwn } from './own-file.js';

/** Many systems let a user's own group write what the user makes. */
const WRITABLE_BY_ALL = 0o002;

/** What .env says and the environment leaves open. It is not for Node, where it could end the checking of certificates. */
export function envFile(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const says = parseEnv(readOwn('.env', WRITABLE_BY_ALL) ?? '');
  return Object.fromEntries(Object.entries(says).filter(([name]) => env[name] === undefined));
}
