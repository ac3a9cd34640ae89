import type { Connection } from '#contracts/api/connections.js';
import type { Command } from '../arguments.js';

const columns = ['short_id', 'status', 'institution_name', 'provider', 'user_name', 'error_code', 'updated_at'];
const pathOf = (id: string): string => `/api/v1/connections/${encodeURIComponent(id)}`;

export const connectionCommands: Command[] = [
  {
    words: 'connections list',
    does: 'List the bank connections, newest first.',
    options: { user: 'USER', limit: 'N', cursor: 'CURSOR' },
    async run({ option: { user, limit, cursor } }, cli) {
      const page = await cli.api.get<{ connections: Connection[]; next_cursor: string | null }>('/api/v1/connections', {
        user_id: user,
        limit,
        cursor,
      });
      cli.showPage(page, page.connections, columns);
    },
  },
  {
    words: 'connections show',
    does: 'Show one bank connection.',
    takes: ['connection'],
    async run({ at: [id] }, cli) {
      cli.show(await cli.api.get<Connection>(pathOf(id!)));
    },
  },
  {
    words: 'connections revoke',
    does: 'Disconnect a bank and destroy its credential.',
    takes: ['connection'],
    async run({ at: [id] }, cli) {
      await cli.api.delete(pathOf(id!));
      cli.say('Disconnected.');
    },
  },
];
