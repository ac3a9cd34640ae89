import { dataOf, numberOf } from '../api.js';
import type { Command } from '../arguments.js';
import { asOf, asOfOption } from '../one-thing.js';

export const userCommands: Command[] = [
  {
    words: 'users create',
    does: 'Create a household user, for whom banks can be connected.',
    options: { name: 'NAME', email: 'EMAIL' },
    required: ['name'],
    async run({ option: { name, email } }, cli) {
      cli.show(await dataOf(cli.api.POST('/api/v1/users', { body: { name: name!, email } })));
    },
  },
  {
    words: 'users show',
    does: 'Show one household user, or with --as-of as they were.',
    takes: ['user'],
    options: asOfOption,
    async run({ at: [id], option }, cli) {
      cli.show(await dataOf(cli.api.GET('/api/v1/users/{id}', asOf(id, option))));
    },
  },
  {
    words: 'users list',
    does: 'List the household users, newest first.',
    options: { limit: 'N', cursor: 'CURSOR' },
    async run({ option: { limit, cursor } }, cli) {
      const query = { limit: numberOf(limit), cursor };
      const page = await dataOf(cli.api.GET('/api/v1/users', { params: { query } }));
      cli.showPage(page, page.users, ['short_id', 'name', 'email', 'created_at']);
    },
  },
];
