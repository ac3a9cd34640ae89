import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the supervisor wrote of the stack that runs on this machine, as far as the command line uses it. */
export interface LocalStack {
  pid: number;
  url: string;
  nats?: { url: string; users: Record<string, { user: string; password: string }> };
}

export const runFileOf = ({ DATA_DIR }: NodeJS.ProcessEnv): string => join(DATA_DIR || '.data', 'run.json');

/** Null when nothing runs here, or when its file is not ours to read. */
export function localStack(env: NodeJS.ProcessEnv): LocalStack | null {
  try {
    return JSON.parse(readFileSync(runFileOf(env), 'utf8')) as LocalStack;
  } catch {
    return null;
  }
}
