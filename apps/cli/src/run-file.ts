import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A stack whose operator we are: what the supervisor wrote of it, as far as the command line uses it. */
export interface LocalStack {
  url: string;
  nats?: { url: string; users: Record<string, { user: string; password: string }> };
}

/** Its name on the bus. */
export const CLI = 'cli';

export const runFileOf = ({ DATA_DIR }: NodeJS.ProcessEnv): string => join(DATA_DIR || '.data', 'run.json');

/** The stack whose bus the environment lets us use: a container of docker compose has no run file. */
export function namedStack(env: NodeJS.ProcessEnv): LocalStack | null {
  const { NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password, PUBLIC_BASE_URL } = env;
  if (!url || user !== CLI || !password || !PUBLIC_BASE_URL) return null;
  return { url: new URL(PUBLIC_BASE_URL).origin, nats: { url, users: { [CLI]: { user, password } } } };
}

/** Null when nothing runs here, or when its file is not ours to read. */
export function localStack(env: NodeJS.ProcessEnv): LocalStack | null {
  try {
    return JSON.parse(readFileSync(runFileOf(env), 'utf8')) as LocalStack;
  } catch {
    return null;
  }
}
