import { createHmac, randomUUID } from 'node:crypto';
import { requestText } from './connection.js';
import type { Figures, Stretch } from './figures.js';
import { expect, type Fixture, times } from './fixture.js';
import type { Opening } from './open-load.js';
import type { Rows, Scenario, Tools } from './rows.js';

const PATH = '/v1/connections';
const SERVER = 'sandbox-hmac';
const WEBHOOK_SECRET = 'the secret of a webhook';
/** So many that no row piles all its events onto a few streams, and that neighbours in a stretch seldom meet at one. */
const ROTATED = 400;
const OPENED = 400;
const DELIVERED_TO = 100;
/** More than any row gets through, because a delivery or a user that comes again would be another kind of request. */
const MOST_PER_MS = 6;

/** What the platform does with credentials, and what providers deliver. */
export const connectionRows: Rows = (tools) => {
  const { fixture, send } = tools;
  const connections = platformConnections(fixture);
  const list = requestText('GET', `${PATH}?limit=50`, connections.headers);
  const hook = `/v1/webhooks/${SERVER}/{id}`;
  return [
    {
      name: 'create',
      title: `**create a connection** \`POST ${PATH}\``,
      writes: true,
      run: ever(send, 201, () => connections.storing(randomUUID())),
    },
    {
      name: 'rotate',
      title: `**rotate its credential** \`POST ${PATH}\`, ${ROTATED} connections in turn`,
      writes: true,
      run: prepared(connections.some('rotated', ROTATED), (made) => {
        const requests = made.map(({ user }) => connections.storing(user));
        return send(requests, 200);
      }),
    },
    { name: 'list', title: `**list connections** \`GET ${PATH}?limit=50\``, run: send([list], 200) },
    {
      name: 'delivery',
      title: `**inbound webhook** \`POST ${hook}\`, ${DELIVERED_TO} connections in turn`,
      writes: true,
      run: deliveries(tools, connections.some('delivered to', DELIVERED_TO)),
    },
    {
      name: 'deliveryToOne',
      title: '**inbound webhook**, all to one connection',
      writes: true,
      run: deliveries(tools, connections.some('delivered to alone', 1)),
    },
    {
      name: 'open',
      title: `**open a credential**, ${OPENED} connections in turn: on record first, then out of the vault, no HTTP`,
      writes: true,
      run: prepared(connections.some('opened', OPENED), (made) => opening(tools, made)),
    },
  ];
};

interface Made {
  id: string;
  user: string;
}

function platformConnections({ api, key }: Fixture) {
  const headers = { authorization: `Bearer ${key}` };
  const wish = (user_id: string) => ({
    server_id: SERVER,
    user_id,
    secret: { access_key: 'bench', secret: randomUUID() },
  });
  const secret = { secret: WEBHOOK_SECRET };
  const create = async (user: string): Promise<Made> => {
    const id = expect(await api.call('POST', PATH, wish(user), headers), 201).body.id as string;
    expect(await api.call('PUT', `${PATH}/${id}/webhook-secret`, secret, headers), 200);
    return { id, user };
  };
  return {
    headers,
    storing: (user: string) => requestText('POST', PATH, headers, wish(user)),
    /** Made when they are first needed, and the same from then on. */
    some(whose: string, count: number): () => Promise<Made[]> {
      let made: Promise<Made[]> | undefined;
      let number = 0;
      return () => (made ??= times(count, () => create(`${whose} ${++number}`)));
    },
  };
}

/** What can be put together only when the connections are there: the warm-up waits for them, nothing that counts does. */
function prepared(some: () => Promise<Made[]>, build: (made: Made[]) => Scenario['run']): Scenario['run'] {
  let run: Scenario['run'] | undefined;
  return async (stretch) => (run ??= build(await some()))(stretch);
}

/** Requests of which none is ever sent twice. */
const ever =
  (send: Tools['send'], status: number, make: (number: number) => string): Scenario['run'] =>
  (stretch: Stretch) =>
    send(
      Array.from({ length: MOST_PER_MS * stretch.durationMs }, (_, number) => make(number)),
      status,
    )(stretch);

const deliveries = ({ send }: Tools, some: () => Promise<Made[]>): Scenario['run'] =>
  prepared(some, (made) =>
    ever(send, 202, (number) => {
      const body = { id: `evt_${randomUUID()}`, type: 'payment.paid', data: { amount: 4200, currency: 'BRL' } };
      const signature = createHmac('sha256', WEBHOOK_SECRET).update(JSON.stringify(body)).digest('hex');
      const path = `/v1/webhooks/${SERVER}/${made[number % made.length]!.id}`;
      return requestText('POST', path, { 'x-signature': signature }, body);
    }),
  );

/** As a service that uses credentials opens them: through the one door, in a process of its own. */
function opening({ fixture, opener }: Tools, made: Made[]): Scenario['run'] {
  const { run, vaultKeyFile } = fixture;
  const ids = made.map(({ id }) => id);
  const place = { eventstoreUrl: run.eventstore.url, database: run.databases['connection']!, vaultKeyFile };
  const open = opener.ask('open', { ...place, ids } satisfies Opening);
  return async (stretch) => {
    await open;
    return opener.ask<Figures>('credentials', stretch);
  };
}
