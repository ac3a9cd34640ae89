import type { AddressInfo } from 'node:net';
import { connect } from '@nats-io/transport-node';
import { fastify } from 'fastify';
import { Pool } from 'pg';
import { busOptions } from '#service/bus-options.js';
import { byId, SELECT } from './rival-service.js';
import { serveJobs } from './worker.js';

interface Params {
  id: string;
}

/** What a GET would cost without us: Fastify and one prepared SELECT, in one process or with the bus between them. */
serveJobs({
  async open({ bus, database }: { bus: NodeJS.ProcessEnv; database: string }): Promise<number> {
    const connection = await connect(busOptions(bus));
    const pool = new Pool({ connectionString: database, max: 12 });
    const app = fastify();
    app.get<{ Params: Params }>('/select/:id', async ({ params }) => {
      const { rows } = await pool.query<object>({ ...byId, values: [params.id] });
      return rows[0];
    });
    app.get<{ Params: Params }>('/hop/:id', async ({ params }, reply) => {
      const answer = await connection.request(SELECT, JSON.stringify({ id: params.id }), { timeout: 5_000 });
      return reply.type('application/json').send(answer.string());
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    return (app.server.address() as AddressInfo).port;
  },
});
