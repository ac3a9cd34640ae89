import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { until } from '#testing/api.js';
import { noLimits, type Run } from '#testing/stack.js';

export interface AnotherGateway {
  url: string;
  /** As the supervisor would: with time to finish. */
  stop(): Promise<void>;
}

/** As built; tests and bench run from the root of the project. */
const program = join(process.cwd(), 'dist/apps/gateway/src/main.js');

/** One more gateway on the parts of a running stack, on a port of its own. It ends with this process. */
export async function anotherGateway({ nats }: Run, env: NodeJS.ProcessEnv = {}): Promise<AnotherGateway> {
  const { user, password } = nats.users['gateway']!;
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      ...noLimits,
      NATS_URL: nats.url,
      NATS_USER: user,
      NATS_PASSWORD: password,
      PORT: '0',
      LOG_LEVEL: 'info',
      SUPERVISED: '1',
      ...env,
    },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  };
  try {
    const url = await servingAt(createInterface(child.stderr));
    await until(
      () => fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) }),
      ({ status }) => status === 200,
      20_000,
    );
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The log says where it listens. What comes after that is read and dropped, so that the pipe never fills. */
function servingAt(lines: Interface): Promise<string> {
  return new Promise((resolve, reject) => {
    lines.on('line', (line: string) => {
      const [, url] = /"url":"([^"]+)","msg":"serving"/.exec(line) ?? [];
      if (url) resolve(url);
    });
    lines.once('close', () => reject(new Error('the gateway ended before it served')));
  });
}
