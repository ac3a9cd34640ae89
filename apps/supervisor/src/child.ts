import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { type PartName } from './settings.js';

/** All it takes to run one part. */
export interface PartPlan {
  name: PartName;
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Where it listens, which means that it has started, unless it can tell at `startedPath`. */
  port: number;
  startedPath?: string | undefined;
  /** Where to dial for that, the loopback unless set. */
  host?: string;
  /** Where the others reach it; unset for services, which are reached over the bus. */
  url?: string;
  /** The signal for a clean end, SIGTERM unless set. */
  stopSignal?: NodeJS.Signals;
  /** How long that may take before it is ended by force, 5 s unless set. */
  stopWithinMs?: number | undefined;
  uid?: number;
  gid?: number;
  /** Whether it is a program of ours, which tells when it changes its tables. */
  tells?: boolean;
  /** Runs before each start, the first and every later one. */
  beforeStart?: () => void;
}

export interface ChildEvents {
  openLog: (part: PartName) => number;
  started: (plan: PartPlan, pid: number) => void;
  /** A part begins to change its tables, or is done with it; one that has ended is. */
  migrating: (plan: PartPlan, begins: boolean) => void;
  /** `code` is null when it was ended by a signal, or could not be started. */
  crashed: (plan: PartPlan, end: { how: string; code: number | null; retryMs: number }) => void;
}

const firstRetryMs = 100;
const lastRetryMs = 2000;
/** A part that ran this long was healthy: its next crash starts again from the shortest wait. */
const healthyAfterMs = 5000;
const stopWithinMs = 5000;

/** Runs a part until it is stopped: each crash is reported, and the part started again after a growing wait. */
export function keepRunning(plan: PartPlan, events: ChildEvents) {
  let child: ChildProcess | undefined;
  let retryMs = firstRetryMs;
  let retry: NodeJS.Timeout | undefined;
  let stopping = false;

  const again = (how: string, code: number | null = null) => {
    if (stopping) return;
    events.crashed(plan, { how, code, retryMs });
    retry = setTimeout(startAgain, retryMs);
    retryMs = Math.min(retryMs * 2, lastRetryMs);
  };
  const start = () => {
    const startedAt = Date.now();
    plan.beforeStart?.();
    const process = launch(plan, events.openLog(plan.name));
    child = process;
    const ended = (how: string, code?: number | null) => {
      if (child !== process) return;
      child = undefined;
      events.migrating(plan, false);
      if (Date.now() - startedAt > healthyAfterMs) retryMs = firstRetryMs;
      again(how, code);
    };
    process.on('message', (message) => {
      if (child === process) events.migrating(plan, (message as { migrating: boolean }).migrating);
    });
    process.once('error', (error) => ended(error.message));
    process.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`, code));
    if (process.pid !== undefined) events.started(plan, process.pid);
  };
  /** What cannot be prepared, as on a full disk, is tried again like a crash: the other parts go on. */
  const startAgain = () => {
    try {
      start();
    } catch (error) {
      again((error as Error).message);
    }
  };
  start();

  return {
    plan,
    /** Asks the part to end, and ends it by force when it has not within its time. */
    async stop(): Promise<void> {
      stopping = true;
      clearTimeout(retry);
      const last = child;
      if (last?.pid === undefined) return;
      const gone = new Promise((resolve) => last.once('exit', resolve));
      last.kill(plan.stopSignal ?? 'SIGTERM');
      const force = setTimeout(() => last.kill('SIGKILL'), plan.stopWithinMs ?? stopWithinMs);
      await gone;
      clearTimeout(force);
    },
  };
}
export type RunningChild = ReturnType<typeof keepRunning>;

/**
 * The child gets a session of its own, so that Ctrl-C reaches the supervisor alone and parts stop in order, and a
 * pipe as standard input: a Node part ends itself when that closes, which is how it notices a supervisor that was killed.
 */
function launch(plan: PartPlan, log: number): ChildProcess {
  const { command, args, env, uid, gid, tells } = plan;
  try {
    return spawn(command, args, { env, uid, gid, detached: true, stdio: ['pipe', log, log, tells ? 'ipc' : 'ignore'] });
  } finally {
    closeSync(log);
  }
}
