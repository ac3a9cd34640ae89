import { EX_CONFIG } from '#service/settings-error.js';
import { type PartPlan, keepRunning, type RunningChild } from './child.js';
import { type Logs } from './logs.js';
import { started } from './ports.js';
import { type RunFile } from './run-file.js';
import { type PartName } from './settings.js';
import { stopOrder } from './start-order.js';
import { StartError } from './start-error.js';

/** Whatever takes longer is worth a word. */
const SLOW_MS = 3_000;
/** As pino numbers it. */
const FATAL = 60;

interface Surroundings {
  logs: Logs;
  runFile: RunFile;
  say: (line: string) => void;
  /** A part begins to change its tables, or is done with it. */
  migrating: (part: PartName, begins: boolean) => void;
}

/** Keeps the parts running that it is given, and the run file true. */
export function supervise({ logs, runFile, say, migrating }: Surroundings) {
  const children: RunningChild[] = [];
  const slow = new Map<PartName, NodeJS.Timeout>();
  let stopping = false;
  const events = {
    openLog: logs.open,
    /** On a full disk a part that runs is better than a run file that knows of it; the next record names it too. */
    started(plan: PartPlan, pid: number) {
      try {
        runFile.record(plan, pid);
      } catch (error) {
        say(`${plan.name}: runs, but run.json could not be written (${(error as Error).message})`);
      }
    },
    migrating(plan: PartPlan, begins: boolean) {
      clearTimeout(slow.get(plan.name));
      const tell = () => say(`${plan.name}: brings its tables up to date; ${logs.path(plan.name)} says with what`);
      if (begins) slow.set(plan.name, setTimeout(tell, SLOW_MS).unref());
      migrating(plan.name, begins);
    },
  };

  return {
    /** Starts a part; resolves when it has started, rejects with the end of its log when it cannot, or the signal comes first. */
    async start(plan: PartPlan, signal: AbortSignal): Promise<void> {
      if (stopping) throw new StartError('stopping');
      const misconfigured = new AbortController();
      children.push(
        keepRunning(plan, {
          ...events,
          crashed(plan, { how, code, retryMs }) {
            say(`${plan.name}: stopped (${how}), starts again in ${retryMs} ms`);
            if (code === EX_CONFIG) misconfigured.abort();
          },
        }),
      );
      await started(plan, AbortSignal.any([signal, misconfigured.signal])).catch(() => {
        const tail = logs.tail(plan.name);
        if (misconfigured.signal.aborted) throw new StartError(`${plan.name} does not start:\n${reasonsIn(tail)}`);
        throw new StartError(`${plan.name} does not start. The end of ${logs.path(plan.name)}:\n${tail}`);
      });
    },
    /** Stops everything in its order, and starts nothing any more. */
    async stop(): Promise<void> {
      stopping = true;
      for (const group of stopOrder) {
        const ofGroup = children.filter(({ plan }) => group.includes(plan.name));
        await Promise.all(ofGroup.map((child) => child.stop()));
      }
    },
  };
}

/** What a part says as it gives up: in lines as they are, or as the error of its log's last line. */
function reasonsIn(tail: string): string {
  const reasons = tail.split('\n').flatMap((line) => {
    if (!/^\{"level":.*\}$/.test(line)) return [line];
    const { level, err, message = line } = JSON.parse(line) as LogLine;
    return level === FATAL ? [err?.message ?? message] : [];
  });
  return reasons.join('\n');
}

interface LogLine {
  level: number;
  err?: { message: string };
  /** In the log of the embedded event store. */
  message?: string;
}
