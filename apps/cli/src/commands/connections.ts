import { dataOf, numberOf } from '../api.js';
import type { Command } from '../arguments.js';
import { asOf, asOfOption, named } from '../one-thing.js';

const columns = ['short_id', 'status', 'institution_name', 'provider', 'user_name', 'error_code', 'updated_at'];

export const connectionCommands: Command[] = [
  {
    words: 'connections list',
    does: 'List the bank connections, newest first.',
    options: { user: 'USER', limit: 'N', cursor: 'CURSOR' },
    async run({ option: { user, limit, cursor } }, cli) {
      const query = { user_id: user, limit: numberOf(limit), cursor };
      const page = await dataOf(cli.api.GET('/api/v1/connections', { params: { query } }));
      cli.showPage(page, page.connections, columns);
    },
  },
  {
    words: 'connections show',
    does: 'Show one bank connection, or with --as-of as it was.',
    takes: ['connection'],
    options: asOfOption,
    async run({ at: [id], option }, cli) {
      cli.show(await dataOf(cli.api.GET('/api/v1/connections/{id}', asOf(id, option))));
    },
  },
  {
    words: 'connections revoke',
    does: 'Disconnect a bank and destroy its credential.',
    takes: ['connection'],
    async run({ at: [id] }, cli) {
      await cli.api.DELETE('/api/v1/connections/{id}', named(id));
      cli.done({ id, status: 'disconnected' }, 'Disconnected.');
    },
  },
];
