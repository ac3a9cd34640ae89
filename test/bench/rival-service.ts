import { connect } from '@nats-io/transport-node';
import { Pool } from 'pg';
import { busOptions } from '#service/bus-options.js';
import { serveJobs } from './worker.js';

/** Subjects that the user link-session may listen to and the user gateway may ask. */
export const ECHO = 'link-session.bench.echo';
export const SELECT = 'link-session.bench.select';

export const byId = { name: 'session_by_id', text: 'select * from link_sessions where id = $1' };

/** The far end of the raw paths: answers at once, or with one row by one prepared SELECT. */
if (require.main === module) {
  serveJobs({
    async open({ bus, database }: { bus: NodeJS.ProcessEnv; database: string }) {
      const connection = await connect(busOptions(bus));
      const pool = new Pool({ connectionString: database, max: 12 });
      connection.subscribe(ECHO, { callback: (_, message) => void message.respond(message.data) });
      connection.subscribe(SELECT, {
        callback: (_, message) => {
          const { id } = message.json<{ id: string }>();
          void pool
            .query<object>({ ...byId, values: [id] })
            .then(({ rows }) => message.respond(JSON.stringify(rows[0])));
        },
      });
    },
  });
}
