import type { SessionStatus } from '#contracts/link-session.js';
import { dataOf, numberOf } from '../api.js';
import type { Command } from '../arguments.js';
import { asOf, asOfOption, named } from '../one-thing.js';

const columns = ['short_id', 'status', 'action', 'provider', 'label', 'created_at', 'expires_at'];

export const sessionCommands: Command[] = [
  {
    words: 'sessions list',
    does: 'List the link sessions, newest first.',
    options: { status: 'STATUS', user: 'USER', connection: 'CONNECTION', limit: 'N', cursor: 'CURSOR' },
    async run({ option: { status, user, connection, limit, cursor } }, cli) {
      const filters = { status: status as SessionStatus | undefined, user_id: user, connection_id: connection };
      const query = { ...filters, limit: numberOf(limit), cursor };
      const page = await dataOf(cli.api.GET('/api/v1/connections/link', { params: { query } }));
      cli.showPage(page, page.sessions, columns);
    },
  },
  {
    words: 'sessions show',
    does: 'Show one link session, or with --as-of as it was.',
    takes: ['session'],
    options: asOfOption,
    async run({ at: [id], option }, cli) {
      cli.show(await dataOf(cli.api.GET('/api/v1/connections/link/{id}', asOf(id, option))));
    },
  },
  {
    words: 'sessions cancel',
    does: 'Cancel a link session: its link is dead at once.',
    takes: ['session'],
    async run({ at: [id] }, cli) {
      await cli.api.DELETE('/api/v1/connections/link/{id}', named(id));
      cli.done({ id, status: 'failed', error_code: 'CANCELLED' }, 'Cancelled.');
    },
  },
];
