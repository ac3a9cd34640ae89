import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

interface Question {
  id: number;
  job: string;
  plan: unknown;
}

type Answer = { id: number; result: unknown } | { id: number; error: string };

/** A process of the bench. What is measured and what measures never share an event loop. */
export interface Worker {
  pid: number;
  ask<R>(job: string, plan: unknown): Promise<R>;
  stop(): void;
}

/** Starts `file` of this folder, which must call `serveJobs`. */
export function startWorker(file: string): Worker {
  const child: ChildProcess = fork(join(__dirname, file));
  const waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  let last = 0;
  child.on('message', (answer: Answer) => {
    const asker = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) asker?.reject(new Error(`${file}: ${answer.error}`));
    else asker?.resolve(answer.result as never);
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended with ${code}`));
  });
  return {
    pid: child.pid!,
    ask: (job, plan) =>
      new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        child.send({ id, job, plan } satisfies Question);
      }),
    stop: () => child.disconnect(),
  };
}

type Jobs = Record<string, (plan: never) => Promise<unknown>>;

/** The child's side: answers each question; ends with its parent. */
export function serveJobs(jobs: Jobs): void {
  const answer = async ({ id, job, plan }: Question): Promise<Answer> => {
    try {
      return { id, result: await jobs[job]!(plan as never) };
    } catch (error) {
      return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  };
  process.on('message', (question: Question) => void answer(question).then((result) => process.send!(result)));
  process.on('disconnect', () => process.exit(0));
}
