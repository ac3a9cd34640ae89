import { createHash, createHmac, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import type { ConnectionEvent } from '#contracts/connection.js';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { readStream } from '#eventstore/read-stream.js';
import { type Answer, apiWith } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { WebhookDeliveries } from '../apps/connection/src/webhook-deliveries.js';
import { intakeOf } from './another-intake.js';
import { patiently, type PlatformCaller, platformCaller, refused, said, someone } from './platform-caller.js';

const stack = sharedStack();
const outside = apiWith(stack.url, null);
let api: PlatformCaller;
let events: EventStoreDBClient;
let database: DataSource;

beforeAll(async () => {
  api = await platformCaller(stack.run());
  events = connectEventStore(stack.run().eventstore.url);
  database = await new DataSource({ type: 'postgres', url: stack.run().databases['connection']! }).initialize();
});

afterAll(async () => {
  await database.destroy();
  await events.dispose();
});

const hex = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex');
const seconds = () => Math.floor(Date.now() / 1000);

/** How each scheme signs, and where the event is named. */
const schemes: Record<string, (secret: string, body: string) => Record<string, string>> = {
  'sandbox-api': (secret, body) => {
    const t = seconds();
    return { 'stripe-signature': `t=${t},v1=${hex(secret, `${t}.${body}`)}` };
  },
  stripe: (secret, body) => schemes['sandbox-api']!(secret, body),
  'sandbox-hmac': (secret, body) => ({ 'x-signature': hex(secret, body) }),
  'sandbox-github': (secret, body) => ({
    'x-hub-signature-256': `sha256=${hex(secret, body)}`,
    'x-github-delivery': (JSON.parse(body) as { id: string }).id,
    'x-github-event': 'payment.paid',
  }),
  asaas: (secret) => ({ 'asaas-access-token': secret }),
  zoop: (secret) => ({ authorization: `Basic ${Buffer.from(secret).toString('base64')}` }),
};
const servers = Object.keys(schemes);

/** A connection to the server that knows how to check what it delivers. */
async function connected(server_id: string, secret = `user:${randomUUID()}`) {
  const credential = server_id === 'sandbox-hmac' ? { access_key: 'a', secret: 'b' } : 'k';
  const user_id = someone();
  const created = await patiently(() => api.post('/v1/connections', { server_id, secret: credential, user_id }));
  const id = created.body.id as string;
  const setSecret = (next: string, grace_seconds = 0) =>
    patiently(() => api.put(`/v1/connections/${id}/webhook-secret`, { secret: next, grace_seconds }));
  expect((await setSecret(secret)).text).toContain('"updated":true');
  return { id, secret, setSecret, path: `/v1/webhooks/${server_id}/${id}` };
}

const newEvent = () => JSON.stringify({ id: `evt_${randomUUID()}`, type: 'payment.paid' });
const deliver = (path: string, body: string, headers: Record<string, string>): Promise<Answer> =>
  outside.post(path, body, headers);

async function received(id: string) {
  const stream = `connection-${parsePlatformConnectionId(id)}`;
  const read = await readStream<ConnectionEvent>(events, stream);
  return read.events.flatMap(({ event }) => (event.type === 'WebhookReceived' ? [event] : []));
}

const rows = <Row>(sql: string, id: string): Promise<Row[]> => database.query(sql, [parsePlatformConnectionId(id)]);

describe.each(servers)('a delivery of %s', (server) => {
  it('is accepted, is a duplicate when it comes again, and is one event with id, type, size and hash', async () => {
    const { id, path, secret } = await connected(server);
    const body = newEvent();
    const headers = schemes[server]!(secret, body);
    const [first, again] = [await deliver(path, body, headers), await deliver(path, body, headers)];
    expect([first.status, first.body, again.status, again.body]).toEqual([
      202,
      { accepted: true },
      200,
      { duplicate: true },
    ]);
    const [event, ...more] = await received(id);
    expect(more).toEqual([]);
    const { id: delivery_id } = JSON.parse(body) as { id: string };
    expect(event).toEqual({
      ...{ type: 'WebhookReceived', kind: 'payment.paid', code: '', size: body.length, at: expect.any(String) },
      delivery_id,
      sha256: createHash('sha256').update(body).digest('hex'),
    });
  });

  it('is refused with a wrong signature or none', async () => {
    const { id, path, secret } = await connected(server);
    const body = newEvent();
    for (const headers of [{}, schemes[server]!('user:wrong', body), schemes[server]!(`${secret}x`, body)])
      expect(said(await deliver(path, body, headers))).toEqual(refused(401, 'unauthorized'));
    expect(await received(id)).toEqual([]);
  });
});

describe('whose delivery it is', () => {
  it.each([
    ['small', 0],
    ['large', 70_000],
  ])(
    'makes no difference to the refusal of a %s one: unknown, revoked, deleted, another server, no secret',
    async (_, size) => {
      const body = JSON.stringify({ id: `evt_${randomUUID()}`, filler: 'x'.repeat(size) });
      const one = await connected('sandbox-hmac');
      const headers = schemes['sandbox-hmac']!(one.secret, body);
      const ended = await connected('sandbox-hmac', one.secret);
      expect((await deliver(ended.path, newEvent(), headers)).status).toBe(401);
      await api.post(`/v1/connections/${ended.id}/revoke`);
      const gone = await connected('sandbox-hmac', one.secret);
      await api.delete(`/v1/connections/${gone.id}`);
      const { body: unset } = await api.post('/v1/connections', { server_id: 'zoop', secret: 'x', user_id: someone() });
      const paths = [
        ...[ended.path, gone.path, `/v1/webhooks/sandbox-hmac/conn_${'0'.repeat(21)}1`, '/v1/webhooks/sandbox-hmac/x'],
        ...[`/v1/webhooks/sandbox-github/${one.id}`, `/v1/webhooks/acme/${one.id}`, `/v1/webhooks/zoop/${unset.id}`],
      ];
      const texts = await Promise.all(
        paths.map(async (path) => (await deliver(path, body, headers)).text.replace(/"request_id":"[^"]*"/, '')),
      );
      expect(new Set(texts).size).toBe(1);
      expect(texts[0]).toContain('"unauthorized"');
      expect((await deliver(one.path, body, headers)).status).toBe(202);
    },
  );

  it('is told over the raw bytes: neither the JSON value nor the content type counts', async () => {
    const { path, secret } = await connected('sandbox-hmac');
    const body = '{ "id" : "evt_1" ,"x":1.0}';
    const headers = { ...schemes['sandbox-hmac']!(secret, body), 'content-type': 'text/plain' };
    expect((await deliver(path, JSON.stringify(JSON.parse(body)), headers)).status).toBe(401);
    expect((await deliver(path, body, headers)).status).toBe(202);
    const form = 'a=1&b=2';
    expect((await deliver(path, form, schemes['sandbox-hmac']!(secret, form))).status).toBe(202);
    const large = 'x'.repeat(1024 * 1024 + 1);
    expect(said(await deliver(path, large, schemes['sandbox-hmac']!(secret, large)))).toEqual(
      refused(413, 'payload_too_large'),
    );
    expect((await deliver(path, large.slice(1), schemes['sandbox-hmac']!(secret, large.slice(1)))).status).toBe(202);
  });
});

describe('the webhook secret', () => {
  it('before the current one counts within its grace, and not without one', async () => {
    const { path, secret, setSecret } = await connected('sandbox-hmac');
    const send = (by: string, body = newEvent()) => deliver(path, body, schemes['sandbox-hmac']!(by, body));
    expect((await send(secret)).status).toBe(202);
    await setSecret('second', 60);
    expect([(await send('second')).status, (await send(secret)).status]).toEqual([202, 202]);
    await setSecret('third');
    for (const by of [secret, 'second', 'second', secret]) expect((await send(by)).status).toBe(401);
    expect((await send('third')).status).toBe(202);
  });

  it('leaves the one before its grace when the same PUT comes again, and ends it when it comes without a grace', async () => {
    const { path, secret, setSecret } = await connected('sandbox-hmac');
    const send = async (by: string) => {
      const body = newEvent();
      return (await deliver(path, body, schemes['sandbox-hmac']!(by, body))).status;
    };
    for (const _ of ['first', 'again']) expect((await setSecret('second', 60)).status).toBe(200);
    expect([await send('second'), await send(secret)]).toEqual([202, 202]);
    await setSecret('second');
    expect([await send('second'), await send(secret)]).toEqual([202, 401]);
  });

  it('is no good for a repeat either, once it was replaced or the connection revoked', async () => {
    const { id, path, secret, setSecret } = await connected('sandbox-hmac');
    const body = newEvent();
    const repeat = async (by: string) => (await deliver(path, body, schemes['sandbox-hmac']!(by, body))).status;
    expect([await repeat(secret), await repeat(secret)]).toEqual([202, 200]);
    await setSecret('second');
    expect([await repeat(secret), await repeat('second')]).toEqual([401, 200]);
    await api.post(`/v1/connections/${id}/revoke`);
    expect([await repeat('second'), await repeat('second')]).toEqual([401, 401]);
  });
});

describe('over two replicas', () => {
  it('however often a delivery comes at the same moment, it is one event', async () => {
    const { id, path, secret } = await connected('sandbox-hmac');
    const other = intakeOf(stack, { events, database });
    const bodies = Array.from({ length: 6 }, newEvent);
    const all = Array.from({ length: 6 }, () => bodies).flat();
    const outcomes = await Promise.all([
      ...all.map(async (body) => {
        const { status } = await deliver(path, body, schemes['sandbox-hmac']!(secret, body));
        return { 200: true, 202: false }[status];
      }),
      ...all.map((body) => other(id, 'sandbox-hmac', { body, headers: schemes['sandbox-hmac']!(secret, body) })),
    ]);
    expect(outcomes.filter((duplicate) => duplicate === undefined)).toEqual([]);
    expect((await received(id)).map(({ delivery_id }) => delivery_id).sort()).toEqual(
      bodies.map((body) => (JSON.parse(body) as { id: string }).id).sort(),
    );
  });

  it('what was put down before a crash is taken in when it comes again, once', async () => {
    const { id, path, secret } = await connected('sandbox-hmac');
    const body = newEvent();
    await rows(`insert into webhook_deliveries (connection_id, delivery_id) values ($1, '${JSON.parse(body).id}')`, id);
    const headers = schemes['sandbox-hmac']!(secret, body);
    const statuses = [await deliver(path, body, headers), await deliver(path, body, headers)].map((a) => a.status);
    expect(statuses).toEqual([202, 200]);
    expect(await received(id)).toHaveLength(1);
  });

  it('a delivery is never accepted once the revocation was answered', async () => {
    const { id, path, secret } = await connected('sandbox-hmac');
    const send = (body = newEvent()) => deliver(path, body, schemes['sandbox-hmac']!(secret, body));
    await Promise.all(Array.from({ length: 8 }, () => send()));
    await api.post(`/v1/connections/${id}/revoke`);
    const after = await Promise.all(Array.from({ length: 8 }, () => send()));
    expect(after.map(({ status }) => status)).toEqual(Array(8).fill(401));
  });
});

describe('the bodies', () => {
  it('are kept beside the events, sealed, until the connection is deleted', async () => {
    const { id, path, secret } = await connected('sandbox-hmac');
    const body = JSON.stringify({ id: 'evt_1', note: 'CANARY-in-a-body' });
    await deliver(path, body, schemes['sandbox-hmac']!(secret, body));
    const kept = () => rows<{ sealed: string }>('select * from webhook_deliveries where connection_id = $1', id);
    const [row] = await kept();
    expect(row).toMatchObject({
      delivery_id: 'evt_1',
      sealed: expect.stringMatching(/^ey[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/),
    });
    expect(JSON.stringify([row, await received(id)])).not.toContain('CANARY');
    await api.delete(`/v1/connections/${id}`);
    expect(await kept()).toEqual([]);
  });

  it('are gone after thirty days, and their names are not', async () => {
    const { id, path, secret } = await connected('sandbox-hmac');
    const [old, young] = [newEvent(), newEvent()];
    for (const body of [old, young]) await deliver(path, body, schemes['sandbox-hmac']!(secret, body));
    const { id: delivery_id } = JSON.parse(old) as { id: string };
    await rows(
      `update webhook_deliveries set received_at = now() - interval '30 days 1 minute'
       where connection_id = $1 and delivery_id = '${delivery_id}'`,
      id,
    );
    await new WebhookDeliveries(database).sweep();
    const text = 'select delivery_id from webhook_deliveries where connection_id = $1 and sealed is null';
    expect(await rows(text, id)).toEqual([{ delivery_id }]);
    expect((await deliver(path, old, schemes['sandbox-hmac']!(secret, old))).status).toBe(200);
  });
});
