import { requestText } from './connection.js';
import type { Figures } from './figures.js';
import { ECHO } from './rival-service.js';
import type { Rows } from './rows.js';

/** The limits that the rows of ours stand on: the same libraries and servers, and nothing of ours around them. */
export const limitRows: Rows = ({ fixture, client, sendTo, rivalPort }) => {
  const { key, sessionIds, sample } = fixture;
  const { type: _type, ...data } = sample.event;
  const payload = JSON.stringify({ data, padding: 'x'.repeat(200) });
  const gets = (path: string) => sessionIds.map((id) => requestText('GET', `${path}/${id}`, { 'x-api-key': key }));
  return [
    {
      name: 'append',
      title: 'limit: one event of a mint to a new stream, the same client',
      run: (stretch) => client.ask<Figures>('append', { ...stretch, data, metadata: sample.metadata }),
    },
    {
      name: 'hop',
      title: 'limit: Fastify → NATS → prepared SELECT → back',
      run: sendTo(rivalPort, gets('/hop'), 200),
    },
    {
      name: 'select',
      title: 'limit: Fastify + prepared SELECT in one process',
      run: sendTo(rivalPort, gets('/select'), 200),
    },
    {
      name: 'request',
      title: 'limit: NATS request/reply between two processes',
      run: (stretch) => client.ask<Figures>('request', { ...stretch, subject: ECHO, payload }),
    },
  ];
};
