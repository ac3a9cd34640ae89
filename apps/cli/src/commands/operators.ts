import { hashSecret, newToken } from '#contracts/secrets.js';
import type { Command } from '../arguments.js';
import { CliError } from '../errors.js';
import { askLocally, operatorContext } from '../local-bus.js';

const LINK_MS = 60 * 60 * 1000;

export const operatorCommands: Command[] = [
  {
    words: 'operators reset',
    does: 'On this machine: make a link by which an operator of the dashboard chooses a new password.',
    options: { email: 'EMAIL' },
    required: ['email'],
    async run({ option: { email } }, cli) {
      if (!cli.local) throw new CliError('UNREACHABLE', 'This works on the machine where Latchkey runs.');
      const token = newToken();
      const expires_at = new Date(Date.now() + LINK_MS).toISOString();
      const ask = { email: email!.trim().toLowerCase(), link: { token_hash: hashSecret(token), expires_at } };
      const operator = await askLocally(cli.local, 'key.operator.password-link', {
        context: operatorContext(),
        ...ask,
      });
      const { PUBLIC_BASE_URL } = cli.env;
      const origin = PUBLIC_BASE_URL ? new URL(PUBLIC_BASE_URL).origin : cli.local.url;
      const url = `${origin}/admin/welcome/${token}`;
      if (cli.json) return cli.show({ email: operator.email, url, expires_at });
      cli.say(`Within the hour, and once, this lets ${operator.email} choose a new password:\n\n  ${url}`);
    },
  },
];
