import type { LinkSession } from '#contracts/api/link-sessions.js';
import type { Command } from '../arguments.js';

const columns = ['short_id', 'status', 'action', 'provider', 'label', 'created_at', 'expires_at'];
const pathOf = (id: string): string => `/api/v1/connections/link/${encodeURIComponent(id)}`;

export const sessionCommands: Command[] = [
  {
    words: 'sessions list',
    does: 'List the link sessions, newest first.',
    options: { status: 'STATUS', user: 'USER', connection: 'CONNECTION', limit: 'N', cursor: 'CURSOR' },
    async run({ option: { status, user, connection, limit, cursor } }, cli) {
      const query = { status, user_id: user, connection_id: connection, limit, cursor };
      const page = await cli.api.get<{ sessions: LinkSession[]; next_cursor: string | null }>(
        '/api/v1/connections/link',
        query,
      );
      cli.showPage(page, page.sessions, columns);
    },
  },
  {
    words: 'sessions show',
    does: 'Show one link session.',
    takes: ['session'],
    async run({ at: [id] }, cli) {
      cli.show(await cli.api.get<LinkSession>(pathOf(id!)));
    },
  },
  {
    words: 'sessions cancel',
    does: 'Cancel a link session: its link is dead at once.',
    takes: ['session'],
    async run({ at: [id] }, cli) {
      await cli.api.delete(pathOf(id!));
      cli.say('Cancelled.');
    },
  },
];
