import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { platformConnectionId } from '#contracts/ids.js';
import type { Ask } from '#contracts/subjects.js';
import type { InboundDelivery } from '#contracts/webhook.js';
import { openerWith } from '#service/sealed.js';
import { startGateway, type TestGateway } from '../test/gateway.js';
import { connectionView } from '../test/views.js';

let gateway: TestGateway;
let delivered: Ask<'connection.webhook'>[] = [];
let known = false;
const { publicKey, privateKey } = generateKeyPairSync('x25519');
const open = openerWith(privateKey);
const opened = (): InboundDelivery => {
  const { token } = JSON.parse(open(delivered[0]!.sealed)) as { token: string };
  return JSON.parse(token) as InboundDelivery;
};

beforeAll(async () => {
  gateway = await startGateway();
  gateway.bus.answers['connection.vault-key'] = () => ({ jwk: { ...publicKey.export({ format: 'jwk' }) } });
  gateway.bus.answers['connection.webhook-expected'] = () => ({ expected: true });
  gateway.bus.answers['connection.webhook'] = (ask) => {
    delivered.push(ask);
    return { accepted: true, duplicate: known };
  };
});
afterAll(() => gateway.app.close());
beforeEach(() => {
  delivered = [];
  known = false;
});

const deliver = (path: string, payload: string | Buffer = '{}', headers: Record<string, string> = {}) =>
  gateway.call({ method: 'POST', url: `/v1/webhooks/${path}`, payload, headers: { 'x-api-key': '', ...headers } });

describe('a delivery', () => {
  it('goes on as its raw bytes, headers and query, all sealed to the vault', async () => {
    const bytes = Buffer.from([0x7b, 0x22, 0xff, 0x00, 0x7d, 0x0a]);
    const { status, json } = await deliver(`stripe/${connectionView.id}?data.id=7&a=1&a=2`, bytes, {
      'Stripe-Signature': 't=1',
      authorization: 'Basic abc',
      'content-type': 'application/json',
      cookie: 'secret',
    });
    expect([status, json]).toEqual([202, { accepted: true }]);
    expect(delivered[0]).toMatchObject({
      server_id: 'stripe',
      id: connectionView.id,
      context: { actor: { type: 'provider', id: 'stripe' }, key_prefix: null },
    });
    const { headers, query, body } = opened();
    expect(headers).toMatchObject({ 'stripe-signature': 't=1', authorization: 'Basic abc' });
    expect([headers['cookie'], query, body]).toEqual([undefined, { 'data.id': '7' }, bytes.toString('base64')]);
  });

  it('that is not believed hears by what it could have been, alike whatever its server takes', async () => {
    for (const path of ['stripe/nobody', 'zoop/nobody', 'Nobody']) {
      const { status, headers } = await deliver(path);
      expect([status, headers['www-authenticate']]).toEqual([401, 'Basic realm="webhooks"']);
    }
  });

  it.each([connectionView.id, connectionView.short_id, platformConnectionId(connectionView.id)])(
    'finds its connection as %s',
    async (id) => {
      await deliver(`plaid/${id}`);
      expect(delivered[0]!.id).toBe(connectionView.id);
    },
  );

  it('to an application names its connection itself', async () => {
    await deliver('teller', '{}', { 'teller-signature': 't=1,v1=2' });
    expect(delivered[0]).toMatchObject({ server_id: 'teller', id: null });
    expect(opened().headers).toMatchObject({ 'teller-signature': 't=1,v1=2' });
  });

  it('that is known already changes nothing: 200', async () => {
    known = true;
    const { status, json } = await deliver('teller');
    expect([status, json]).toEqual([200, { duplicate: true }]);
  });

  it('to nowhere is answered like one whose signature is wrong', async () => {
    for (const path of ['No-Body', '__proto__', 'nobody/x', 'plaid/x']) {
      const { status, json } = await deliver(path);
      expect([path, status, json.message]).toEqual([path, 401, 'The delivery could not be verified.']);
    }
    expect(delivered).toEqual([]);
  });

  it('may be empty, may have 1 MiB, and not more', async () => {
    expect((await deliver('teller', '')).status).toBe(202);
    expect((await deliver('teller', 'x'.repeat(1024 * 1024))).status).toBe(202);
    const { status, json } = await deliver('teller', 'x'.repeat(1024 * 1024 + 1));
    expect([status, json.code]).toEqual([413, 'payload_too_large']);
  });
});
