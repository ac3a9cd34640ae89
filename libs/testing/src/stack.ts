import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Readable, type Writable } from 'node:stream';
import { engineAnswers, type Servers, startContainers } from './containers.js';

/** The run file of the supervisor, as far as tests use it. */
export interface Run {
  pid: number;
  url: string;
  parts: Record<string, { pid: number; port?: number; url?: string }>;
  nats: { url: string; users: Record<string, { user: string; password: string }> };
  eventstore: { url: string };
  /** Database URL of each service, by schema. */
  databases: Record<string, string>;
  /** Makes the dashboard's first administrator, once. */
  setup_code?: string;
}

/** A stack that somebody else started and will stop. */
export interface SharedStack {
  url: string;
  dataDir: string;
  /** The run file as it is now: a part that was started again has a new pid there. */
  run(): Run;
  /** Signals a part's process; the supervisor starts a part again that dies. */
  kill(part: string, signal?: NodeJS.Signals): void;
}

export interface Stack extends SharedStack {
  stop(): Promise<void>;
}

export interface StackOptions {
  /** Only these parts, e.g. postgres and eventstore; all of them when left out. */
  parts?: string[];
  env?: Record<string, string>;
  /** Where the servers come from; tests that kill servers need local ones. */
  servers?: 'local' | 'containers';
  /** A folder of the caller's own, which stays when the stack stops: another one can start on what is in it. */
  dataDir?: string;
}

const root = resolve(__dirname, __dirname.includes(join('dist', 'libs')) ? '../../../..' : '../../..');
const sharedVariable = 'LATCHKEY_TEST_STACK';

/** Tests ask faster than any caller should; those that are about the limits set their own. */
export const noLimits = {
  API_RATE_LIMIT_RPM: '100000000',
  API_RATE_LIMIT_BURST: '100000000',
  AUTH_FAIL_LIMIT_RPM: '100000000',
  SIGN_IN_LIMIT_RPM: '100000000',
};

/** Starts the built system on a data folder and a port of its own; rejects with the ends of all logs. */
export async function startStack({ parts, env = {}, servers, dataDir: given }: StackOptions = {}): Promise<Stack> {
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'latchkey-test-')));
  const outside = await outsideServers(servers);
  const supervisor = spawnSupervisor({
    ...noLimits,
    ...process.env,
    PORT: '0',
    DATA_DIR: dataDir,
    LATCHKEY_PARTS: parts?.join(',') ?? '',
    ...outside?.env,
    ...env,
  });
  const stop = async () => {
    await end(supervisor);
    await outside?.stop();
    if (!given) rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    await untilReady(supervisor, dataDir);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...attach(dataDir), stop };
}

/** The one stack that all suites of a run share; see test/global-setup.ts. */
export function sharedStack(): SharedStack {
  const dataDir = process.env[sharedVariable];
  if (!dataDir) throw new Error('There is no shared stack: only specs of the jest project "stack" have one.');
  return attach(dataDir);
}

/** Makes `stack` the one that sharedStack() returns in this process and in those it starts. */
export function shareStack(stack: Stack): void {
  process.env[sharedVariable] = stack.dataDir;
}

function attach(dataDir: string): SharedStack {
  const run = () => JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')) as Run;
  return {
    url: run().url,
    dataDir,
    run,
    kill(part, signal = 'SIGKILL') {
      const running = run().parts[part];
      if (!running) throw new Error(`${part} is not a local process of this stack`);
      process.kill(running.pid, signal);
    },
  };
}

/** The one switch: containers where an engine answers, processes of the supervisor otherwise. */
async function outsideServers(wanted = process.env.LATCHKEY_TEST_SERVERS): Promise<Servers | undefined> {
  if (wanted === 'local') return undefined;
  return wanted === 'containers' || (await engineAnswers()) ? startContainers() : undefined;
}

type Supervisor = ChildProcessByStdio<Writable, Readable, Readable>;

/** Its standard input is a pipe from here: when this process dies, the whole stack ends. */
function spawnSupervisor(env: NodeJS.ProcessEnv): Supervisor {
  const main = join(root, 'dist/apps/supervisor/src/main.js');
  if (!existsSync(main)) throw new Error('Build first: npm run build');
  return spawn(process.execPath, [main], { env: { ...env, SUPERVISED: '1' }, stdio: ['pipe', 'pipe', 'pipe'] });
}

async function untilReady(supervisor: Supervisor, dataDir: string): Promise<void> {
  let output = '';
  await new Promise<void>((ready, fail) => {
    const hear = (chunk: Buffer) => {
      output += chunk.toString();
      if (/ s {2}ready$/m.test(output)) ready();
    };
    supervisor.stdout.on('data', hear);
    supervisor.stderr.on('data', hear);
    supervisor.once('exit', () => fail(new Error(`The stack did not start.\n${output}\n${logTails(dataDir)}`)));
  });
}

function logTails(dataDir: string): string {
  const logs = join(dataDir, 'logs');
  if (!existsSync(logs)) return '';
  const tail = (file: string) => readFileSync(join(logs, file), 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  return readdirSync(logs)
    .map((file) => `--- ${file}\n${tail(file)}`)
    .join('\n');
}

async function end(supervisor: Supervisor): Promise<void> {
  if (supervisor.exitCode !== null || supervisor.signalCode !== null) return;
  const gone = once(supervisor, 'exit');
  supervisor.kill('SIGTERM');
  const force = setTimeout(() => supervisor.kill('SIGKILL'), 60_000);
  await gone;
  clearTimeout(force);
}
