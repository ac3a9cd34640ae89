import { exitCodeOf } from '#service/settings-error.js';
import { startBank } from './bank.js';
import { readConfig } from './config.js';

// On a full disk nobody can be told where it listens: it serves all the same.
process.stdout.on('error', () => undefined);

async function main(): Promise<void> {
  const bank = await startBank(readConfig(process.env));
  process.stdout.write(`listening ${bank.port}\n`);

  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    void bank.close().then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // A supervisor that dies closes the pipe: the bank must not outlive it.
  if (process.env.SUPERVISED === '1') process.stdin.once('end', stop).once('close', stop).resume();
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(exitCodeOf(error));
});
