import { type PartPlan, keepRunning, type RunningChild } from './child.js';
import { type Logs } from './logs.js';
import { listening } from './ports.js';
import { type RunFile } from './run-file.js';
import { stages } from './stages.js';
import { StartError } from './start-error.js';

interface Surroundings {
  logs: Logs;
  runFile: RunFile;
  say: (line: string) => void;
}

/** Keeps the parts running that it is given, and the run file true. */
export function supervise({ logs, runFile, say }: Surroundings) {
  const children: RunningChild[] = [];
  const events = {
    openLog: logs.open,
    started: runFile.record,
    crashed(plan: PartPlan, how: string, retryMs: number) {
      say(`${plan.name}: stopped (${how}), starts again in ${retryMs} ms`);
    },
  };

  return {
    /** Starts a part; resolves when it listens, rejects with the end of its log when the signal comes first. */
    async start(plan: PartPlan, signal: AbortSignal): Promise<void> {
      children.push(keepRunning(plan, events));
      await listening(plan.port, signal).catch(() => {
        throw new StartError(
          `${plan.name} does not listen. The end of ${logs.path(plan.name)}:\n${logs.tail(plan.name)}`,
        );
      });
    },
    /** Stops everything, the last stage first. */
    async stop(): Promise<void> {
      for (const stage of stages.toReversed()) {
        const ofStage = children.filter(({ plan }) => stage.includes(plan.name));
        await Promise.all(ofStage.map((child) => child.stop()));
      }
    },
  };
}
