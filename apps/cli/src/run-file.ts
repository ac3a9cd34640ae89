import { join } from 'node:path';
import { readOwn } from './own-file.js';

/** A stack whose operator we are: what the supervisor wrote of it, as far as the command line uses it. */
export interface LocalStack {
  url: string;
  nats?: { url: string; users: Record<string, { user: string; password: string }> };
  /** The run file that says so; none where the environment does. */
  file?: string;
}

/** Its name on the bus. */
export const CLI = 'cli';

/** `npm start` shows its file to its own user alone, and no checkout of somebody's repository does. */
const OPEN_TO_OTHERS = 0o077;

/** The stack whose bus the environment lets us use: a container of docker compose has no run file. */
export function namedStack(env: NodeJS.ProcessEnv): LocalStack | null {
  const { NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password, PUBLIC_BASE_URL } = env;
  if (!url || user !== CLI || !password || !PUBLIC_BASE_URL) return null;
  return { url: new URL(PUBLIC_BASE_URL).origin, nats: { url, users: { [CLI]: { user, password } } } };
}

/** Null when nothing runs here, or when its file is not ours. */
export function localStack({ DATA_DIR }: NodeJS.ProcessEnv): LocalStack | null {
  const file = join(DATA_DIR || '.data', 'run.json');
  try {
    const stack = JSON.parse(readOwn(file, OPEN_TO_OTHERS) ?? 'null') as LocalStack | null;
    return stack && { ...stack, file };
  } catch {
    return null;
  }
}
