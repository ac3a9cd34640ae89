import { setTimeout as wait } from 'node:timers/promises';
import { dataOf } from '../api.js';
import type { Command } from '../arguments.js';
import type { Cli } from '../cli.js';
import { CliError } from '../errors.js';
import { LOOK_EVERY_MS, patiently } from '../patiently.js';

const statusOf = (cli: Cli) => dataOf(cli.api.GET('/api/v1/vault'));
type Status = Awaited<ReturnType<typeof statusOf>>;

function show(cli: Cli, status: Status): void {
  const rows = status.epochs.map((row) => ({ ...row, current: row.epoch === status.current_epoch ? 'yes' : '' }));
  cli.showPage({ ...status }, rows, ['epoch', 'entries', 'has_key', 'current']);
}

export const vaultCommands: Command[] = [
  {
    words: 'vault status',
    does: 'Show under which key-encryption keys the credentials are, and how many are still to move.',
    async run(_given, cli) {
      show(cli, await statusOf(cli));
    },
  },
  {
    words: 'vault rotate',
    does: 'Bring all credentials under the newest key-encryption key; ends when none is left.',
    async run(_given, cli) {
      let status = await dataOf(cli.api.POST('/api/v1/vault/rotate'));
      while (status.remaining > 0 && status.last_error === null) {
        cli.say(`${status.remaining} to go`);
        await wait(LOOK_EVERY_MS);
        status = await patiently(() => statusOf(cli));
      }
      if (status.last_error !== null) throw new CliError('ROTATION_FAILED', status.last_error);
      show(cli, status);
    },
  },
];
