import { setTimeout as wait } from 'node:timers/promises';
import type { Entry } from '#contracts/api/audit.js';
import { dataOf, numberOf } from '../api.js';
import type { Command, Given } from '../arguments.js';
import type { Cli } from '../cli.js';

const POLL_MS = 1_000;
const columns = ['at', 'actor.name', 'subject.kind', 'subject.short_id', 'summary'];

interface EntryPage {
  entries: Entry[];
  next_cursor: string | null;
}

export const auditCommands: Command[] = [
  {
    words: 'audit',
    does: 'Show what happened, newest first; --follow shows it oldest first and goes on.',
    options: { subject: 'ID', actor: 'ACTOR', type: 'EVENT', limit: 'N', cursor: 'CURSOR', follow: true },
    async run(given, cli) {
      const page = await pageOf(given, cli, { limit: given.option.limit, cursor: given.option.cursor });
      if (!given.has.has('follow')) return cli.showPage(page, page.entries, columns);
      await follow(given, cli, page.entries);
    },
  },
];

const pageOf = ({ option }: Given, { api }: Cli, place: { limit?: string; cursor?: string }): Promise<EntryPage> => {
  const { subject, actor, type } = option;
  const query = { subject, actor, type, limit: numberOf(place.limit), cursor: place.cursor };
  return dataOf(api.GET('/api/v1/audit', { params: { query } }));
};

/** Asks again and again for what is newer than the newest entry shown, until it is interrupted. */
async function follow(given: Given, cli: Cli, first: Entry[]): Promise<void> {
  let shown = -1n;
  const showAll = (newestFirst: Entry[]) => {
    for (const entry of newestFirst.toReversed()) {
      if (cli.json) cli.show(entry);
      else
        cli.say(
          `${entry.at}  ${entry.actor.name}  ${entry.subject.kind} ${entry.subject.short_id ?? entry.subject.id}  ${entry.summary}`,
        );
      shown = BigInt(entry.position);
    }
  };
  showAll(first);
  for (;;) {
    await wait(POLL_MS);
    showAll(await newerThan(shown, given, cli));
  }
}

async function newerThan(position: bigint, given: Given, cli: Cli): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await pageOf(given, cli, { limit: '200', cursor });
    const newer = page.entries.filter((entry) => BigInt(entry.position) > position);
    entries.push(...newer);
    if (newer.length < page.entries.length || page.next_cursor === null) return entries;
    cursor = page.next_cursor;
  }
}
