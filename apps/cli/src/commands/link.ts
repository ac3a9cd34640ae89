import { setTimeout as wait } from 'node:timers/promises';
import type { LinkSession } from '#contracts/api/link-sessions.js';
import type { ProviderName } from '#contracts/link-session.js';
import { dataOf } from '../api.js';
import type { Command, Given } from '../arguments.js';
import type { Cli } from '../cli.js';
import { CliError, isPassing, UsageError } from '../errors.js';

const POLL_MS = 1_000;
/** How long after its expiry a session may go on while its last attempt finishes. */
const GRACE_MS = 60_000;

type Minted = LinkSession & { url: string };

const common = { label: 'TEXT', 'redirect-url': 'URL', 'expires-in': 'SECONDS', wait: true } as const;

export const linkCommands: Command[] = [
  {
    words: 'link',
    does: 'Make a link with which a person connects a bank; --wait ends with the session.',
    options: { user: 'USER', provider: 'plaid|teller', 'single-use': true, ...common },
    required: ['user'],
    async run(given, cli) {
      const { user, provider } = given.option;
      const whom = { user_id: user!, provider: provider as ProviderName | undefined };
      const body = { ...whom, single_use: given.has.has('single-use'), ...bodyOf(given) };
      await present(await dataOf(cli.api.POST('/api/v1/connections/link', { body })), given, cli);
    },
  },
  {
    words: 'relink',
    does: 'Make a link with which a person signs in to a connected bank again.',
    takes: ['connection'],
    options: common,
    async run(given, cli) {
      const wish = { params: { path: { id: given.at[0]! } }, body: bodyOf(given) };
      await present(await dataOf(cli.api.POST('/api/v1/connections/{id}/relink', wish)), given, cli);
    },
  },
];

function bodyOf({ command, option }: Given) {
  const seconds = option['expires-in'];
  if (seconds !== undefined && !/^\d+$/.test(seconds)) {
    throw new UsageError('--expires-in takes a number of seconds.', command.words);
  }
  return {
    label: option.label,
    redirect_url: option['redirect-url'],
    expires_in_seconds: seconds === undefined ? undefined : Number(seconds),
  };
}

async function present(session: Minted, { has }: Given, cli: Cli): Promise<void> {
  if (cli.json) cli.show(session);
  else
    cli.say(`Open this link until ${session.expires_at}:\n\n  ${session.url}\n\nIts session is ${session.short_id}.`);
  if (!has.has('wait')) return;
  const ended = await untilEnded(session, cli);
  cli.show(ended);
  if (ended.status === 'completed') return;
  throw new CliError(
    ended.error_code ?? ended.status.toUpperCase(),
    ended.error_message ?? `The session ${ended.status}.`,
  );
}

/** Asks until the session has ended; an outage in between is waited out. */
async function untilEnded(minted: Minted, cli: Cli): Promise<LinkSession> {
  const giveUpAt = Date.parse(minted.expires_at) + GRACE_MS;
  let { status } = minted;
  for (;;) {
    await wait(POLL_MS);
    try {
      const named = { params: { path: { id: minted.id } } };
      const session = await dataOf(cli.api.GET('/api/v1/connections/link/{id}', named));
      if (['completed', 'failed', 'expired'].includes(session.status)) return session;
      if (session.status !== status) cli.say(`… ${session.status}`);
      status = session.status;
    } catch (error) {
      if (!isPassing(error) || Date.now() > giveUpAt) throw error;
    }
  }
}
