import type { Entry } from '#contracts/api/audit.js';
import { auditAt, dataOf, numberOf } from '../api.js';
import type { Command, Given } from '../arguments.js';
import type { Cli } from '../cli.js';
import { liveEntries } from '../live-entries.js';
import { inOneLine } from '../printable.js';

const columns = ['at', 'actor.name', 'subject.kind', 'subject.short_id', 'summary'];

interface EntryPage {
  entries: Entry[];
  next_cursor: string | null;
}

export const auditCommands: Command[] = [
  {
    words: 'audit',
    does:
      'Show what happened, newest first; --follow shows it oldest first and goes on. A bb_ key shows the live environment of its ' +
      'project, a csk_ key (connections:read) its own.',
    options: {
      subject: 'ID',
      actor: 'ACTOR',
      type: 'EVENT',
      request: 'ID',
      limit: 'N',
      cursor: 'CURSOR',
      follow: true,
    },
    async run(given, cli) {
      const page = await pageOf(given, cli, { limit: given.option.limit, cursor: given.option.cursor });
      if (!given.has.has('follow')) return cli.showPage(page, page.entries, columns);
      await follow(given, cli, page.entries);
    },
  },
];

const filterOf = ({ option: { subject, actor, type, request: request_id } }: Given) => ({
  subject,
  actor,
  type,
  request_id,
});

const pageOf = (given: Given, { api, key }: Cli, place: { limit?: string; cursor?: string }): Promise<EntryPage> => {
  const query = { ...filterOf(given), limit: numberOf(place.limit), cursor: place.cursor };
  return dataOf(api.GET(auditAt(key!), { params: { query } }));
};

/** Shows the page and what comes after it, until it is interrupted. */
async function follow(given: Given, cli: Cli, first: Entry[]): Promise<void> {
  const show = (entry: Entry) => (cli.json ? cli.show(entry) : cli.say(lineOf(entry)));
  for (const entry of first.toReversed()) show(entry);
  // Without an entry to go on from, all there is has come after the page was read.
  const after = first[0]?.position ?? '0';
  for await (const entry of liveEntries({ url: cli.url, key: cli.key!, query: filterOf(given), after })) {
    show(entry);
  }
}

const lineOf = ({ at, actor, subject, summary }: Entry): string =>
  inOneLine(`${at}  ${actor.name}  ${subject.kind} ${subject.short_id ?? subject.id}  ${summary}`);
