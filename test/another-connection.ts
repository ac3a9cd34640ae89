import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SharedStack } from '#testing/stack.js';

const program = join(__dirname, '../dist/apps/connection/src/main.js');

/** One more connection service on the parts of a running stack; it shares the work. It ends with this process. */
export async function anotherConnection(stack: SharedStack): Promise<{ stop(): Promise<void> }> {
  const { nats, eventstore, databases, parts } = stack.run();
  const { user, password } = nats.users['connection']!;
  const child = spawn(process.execPath, [program], {
    env: {
      ...process.env,
      NATS_URL: nats.url,
      NATS_USER: user,
      NATS_PASSWORD: password,
      EVENTSTORE_URL: eventstore.url,
      DATABASE_URL: databases['connection'],
      VAULT_KEK_FILE: join(stack.dataDir, 'secrets', 'vault.key'),
      SANDBOX: 'true',
      SANDBOX_BANK_URL: parts['sandbox-bank']!.url,
      LOG_LEVEL: 'info',
      SUPERVISED: '1',
    },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  };
  await new Promise<void>((resolve, reject) => {
    const lines = createInterface(child.stderr);
    lines.on('line', (line: string) => line.includes('"msg":"serving"') && resolve());
    lines.once('close', () => reject(new Error('the connection service ended before it served')));
  });
  return { stop };
}
