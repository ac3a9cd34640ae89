import type { User } from '#contracts/api/users.js';
import type { Command } from '../arguments.js';

export const userCommands: Command[] = [
  {
    words: 'users create',
    does: 'Create a household user, for whom banks can be connected.',
    options: { name: 'NAME', email: 'EMAIL' },
    required: ['name'],
    async run({ option: { name, email } }, cli) {
      cli.show(await cli.api.post<User>('/api/v1/users', { name, email }));
    },
  },
  {
    words: 'users list',
    does: 'List the household users, newest first.',
    options: { limit: 'N', cursor: 'CURSOR' },
    async run({ option: { limit, cursor } }, cli) {
      const page = await cli.api.get<{ users: User[]; next_cursor: string | null }>('/api/v1/users', { limit, cursor });
      cli.showPage(page, page.users, ['short_id', 'name', 'email', 'created_at']);
    },
  },
];
