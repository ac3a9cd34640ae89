import { newHouseholdKey } from '#contracts/secrets.js';
import { requestText } from './connection.js';
import type { Rows } from './rows.js';

/** What callers of the household API do. */
export const householdRows: Rows = ({ fixture, send }) => {
  const { key, mintText, mintBody, sessionIds } = fixture;
  const path = '/api/v1/connections/link';
  const gets = sessionIds.map((id) => requestText('GET', `${path}/${id}`, { 'x-api-key': key }));
  const get = (where: string, as = key) => [requestText('GET', where, { 'x-api-key': as })];
  const repeat = requestText('POST', path, { 'x-api-key': key, 'idempotency-key': 'bench' }, mintBody);
  return [
    { name: 'mint', title: `**mint** \`POST ${path}\``, writes: true, run: send([mintText], 201) },
    { name: 'repeat', title: '**the same mint again**, by its Idempotency-Key', run: send([repeat], 201) },
    { name: 'get', title: `**GET session** \`${path}/{id}\``, run: send(gets, 200) },
    { name: 'me', title: '**key look-up** `GET /api/v1/keys/me`', run: send(get('/api/v1/keys/me'), 200) },
    {
      name: 'check',
      title: '**key check alone**: a route that ends after it, with 404',
      run: send(get(`${path}/no-id`), 404),
    },
    { name: 'badKey', title: '**bad key**: 401', run: send(get('/api/v1/keys/me', newHouseholdKey()), 401) },
  ];
};
