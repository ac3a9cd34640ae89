import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { endPostmasterOf, endProcess } from './postmaster.js';
import { processBirth } from './process-birth.js';
import { writePrivately } from './secrets.js';
import { StartError } from './start-error.js';

export interface RunningPart {
  pid: number;
  /** See processBirth: keeps a later start from ending a stranger that was given the same number. */
  birth?: string;
  port?: number;
  url?: string;
}

/** `$DATA_DIR/run.json`: what runs now and where to reach it. Made for the local command line and for tests. */
export interface Run {
  pid: number;
  birth?: string;
  url: string;
  parts: Record<string, RunningPart>;
  nats?: { url: string; users: Record<string, { user: string; password: string }> };
  eventstore?: { url: string };
  /** The database URL of each service, as its own role. */
  databases?: Record<string, string>;
  /** Makes the first administrator; absent in production, and once there is one. */
  setup_code?: string;
}

const runFileOf = (dataDir: string) => join(dataDir, 'run.json');

const alive = ({ pid, birth }: RunningPart) => birth !== undefined && processBirth(pid) === birth;

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const started = { pid: z.number(), birth: z.string().optional() };
/** As much of a run file as a later start needs: what somebody has broken names nothing that runs. */
const leftRun = z.object({ ...started, url: z.string(), parts: z.record(z.string(), z.object(started)).catch({}) });

function runIn(text: string): z.infer<typeof leftRun> | undefined {
  try {
    return leftRun.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Ends what a supervisor that was killed left behind: it may still hold the data and the ports. */
async function endOrphans(run: Pick<Run, 'parts'>): Promise<void> {
  for (const part of Object.values(run.parts).reverse()) {
    if (alive(part)) await endProcess(part.pid, () => alive(part));
  }
}

/** Refuses a folder in use. Returns the run file of one that is not, also for scripts/refuse-running.mjs. */
export function refuseInUse(dataDir: string) {
  const text = readText(runFileOf(dataDir));
  const before = text === undefined ? undefined : runIn(text);
  if (before && alive(before)) {
    throw new StartError(`${dataDir} is in use: Latchkey already runs there at ${before.url} (process ${before.pid}).`);
  }
  return { text, before };
}

/** Refuses a folder in use, and ends what was left behind there. Returns the text of the run file that named it. */
export async function endLeftBehind(dataDir: string): Promise<string | undefined> {
  const { text, before } = refuseInUse(dataDir);
  if (before) await endOrphans(before);
  return text;
}

/** Claims the data folder for this process and returns its run file; a folder in use is refused. */
export async function claimRunFile(dataDir: string, url: string) {
  const path = runFileOf(dataDir);
  const text = await endLeftBehind(dataDir);
  if (text !== undefined) takeAway(path, text);

  const run: Run = { pid: process.pid, birth: processBirth(process.pid), url, parts: {} };
  createOnce(path, JSON.stringify(run));
  await endPostmasterOf(join(dataDir, 'postgres'));
  const save = () => writePrivately(path, `${JSON.stringify(run, null, 2)}\n`);
  return {
    run,
    save,
    /** Notes a part that was started, the first time or again. */
    record: ({ name, port, url }: Omit<RunningPart, 'pid'> & { name: string }, pid: number): void => {
      run.parts[name] = { pid, birth: processBirth(pid), port, url };
      save();
    },
    remove: () => rmSync(path, { force: true }),
  };
}
export type RunFile = Awaited<ReturnType<typeof claimRunFile>>;

/** Takes the file away that was left behind. Another start that was faster has put its own there: that one stays. */
function takeAway(path: string, left: string): void {
  const aside = `${path}.${process.pid}.old`;
  try {
    renameSync(path, aside);
  } catch {
    throw underWay(path);
  }
  const isLeft = readText(aside) === left;
  if (!isLeft) putBack(aside, path);
  rmSync(aside);
  if (!isLeft) throw underWay(path);
}

function putBack(aside: string, path: string): void {
  try {
    linkSync(aside, path);
  } catch {
    // Its owner has written it again already.
  }
}

/** Of two starts at the same moment only one can create the link; the other is told. */
function createOnce(path: string, text: string): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch {
    throw underWay(path);
  } finally {
    rmSync(draft);
  }
}

const underWay = (path: string) => new StartError(`Another start of Latchkey on ${path} is under way.`);
