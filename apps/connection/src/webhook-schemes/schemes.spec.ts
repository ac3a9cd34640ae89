import { describe, expect, it } from '@jest/globals';
import { createHash, createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { plaidWebhookVerifier } from '../providers/plaid-webhook.js';
import { type WebhookFact } from '../providers/provider.js';
import { type Delivery, type WebhookScheme } from './scheme.js';
import { webhookScheme } from './schemes.js';

const now = new Date('2026-01-15T12:00:00Z');
const time = now.getTime() / 1000;
const secret = 'whsec_current';
const hmac = (text: string, key = secret): string => createHmac('sha256', key).update(text).digest('hex');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const basicHeader = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`;

const delivery = (body: string, headers: Record<string, string>, more: Partial<Delivery> = {}): Delivery => ({
  body: Buffer.from(body),
  headers,
  secrets: [secret],
  now,
  ...more,
});

const json = '{"id":"evt_1","type":"invoice.paid","event":"PAYMENT_RECEIVED"}';
const notice = '{"id":77,"action":"payment.updated","type":"payment","data":{"id":"123456"}}';
const disconnected = JSON.stringify({
  id: 'wh_1',
  type: 'enrollment.disconnected',
  payload: { enrollment_id: 'enr_1', reason: 'disconnected' },
});
const manifest = `id:123456;request-id:req-1;ts:${time};`;

const schemes = {
  stripe: webhookScheme({ scheme: 'stripe', header: 'Stripe-Signature' }),
  mercadopago: webhookScheme({ scheme: 'mercadopago', header: 'x-signature' }),
  asaas: webhookScheme({ scheme: 'static-token', header: 'Asaas-Access-Token' }),
  github: webhookScheme({ scheme: 'github', header: 'x-hub-signature-256' }),
  hmac: webhookScheme({ scheme: 'hmac-hex', header: 'X-Signature' }),
  basic: webhookScheme({ scheme: 'basic', header: 'Authorization' }),
  teller: webhookScheme({ scheme: 'teller', header: 'Teller-Signature' }),
};

const genuine: Record<keyof typeof schemes, Delivery> = {
  stripe: delivery(json, { 'stripe-signature': `t=${time},v1=${hmac(`${time}.${json}`)}` }),
  mercadopago: delivery(
    notice,
    { 'x-signature': `ts=${time},v1=${hmac(manifest)}`, 'x-request-id': 'req-1' },
    { query: { 'data.id': '123456', type: 'payment' } },
  ),
  asaas: delivery(json, { 'asaas-access-token': secret }),
  github: delivery(json, {
    'x-hub-signature-256': `sha256=${hmac(json)}`,
    'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
    'x-github-event': 'push',
  }),
  hmac: delivery(json, { 'x-signature': hmac(json) }),
  basic: delivery(json, { authorization: basicHeader('zoop:pass') }, { secrets: ['zoop:pass'] }),
  teller: delivery(disconnected, { 'teller-signature': `t=${time},v1=${hmac(`${time}.${disconnected}`)}` }),
};

const names = Object.keys(schemes) as (keyof typeof schemes)[];
const told = (name: keyof typeof schemes, more: Partial<Delivery> = {}): Promise<WebhookFact | null> =>
  schemes[name]({ ...genuine[name], ...more });

describe('a genuine delivery', () => {
  it.each([
    ['stripe', 'evt_1', 'invoice.paid'],
    ['mercadopago', manifest, 'payment.updated'],
    ['asaas', 'evt_1', 'PAYMENT_RECEIVED'],
    ['github', '72d3162e-cc78-11e3-81ab-4c9367dc0958', 'push'],
    ['hmac', 'evt_1', 'invoice.paid'],
    ['basic', 'evt_1', 'invoice.paid'],
    ['teller', 'wh_1', 'enrollment.disconnected'],
  ] as const)('of %s gives its event id %s and its type %s', async (name, deliveryId, type) => {
    expect(await told(name)).toMatchObject({ deliveryId, type });
  });

  it.each(names)('of %s is believed with the old secret within its grace', async (name) => {
    expect(await told(name, { secrets: ['other:one', ...genuine[name].secrets] })).not.toBeNull();
    expect(await told(name, { secrets: [...genuine[name].secrets, 'other:one'] })).not.toBeNull();
  });

  it('changes the state of a connection at Teller, and not at Stripe, also when an account leaves the platform', async () => {
    const body = '{"id":"evt_2","type":"account.application.deauthorized"}';
    const left = delivery(body, { 'stripe-signature': `t=${time},v1=${hmac(`${time}.${body}`)}` });
    expect([await told('stripe'), await schemes.stripe(left), await told('teller')]).toMatchObject([
      { effect: 'none' },
      { effect: 'none' },
      { effect: 'login_required', providerItemId: 'enr_1' },
    ]);
  });
});

describe('a delivery', () => {
  it.each(names)('of %s is not believed without a secret, with an empty one, or with another one', async (name) => {
    for (const secrets of [[], [''], ['other:one'], [`${genuine[name].secrets[0]}x`]]) {
      expect(await told(name, { secrets })).toBeNull();
    }
  });

  it.each(names)('of %s is not believed without its header', async (name) => {
    expect(await told(name, { headers: {} })).toBeNull();
    const blank = Object.fromEntries(Object.keys(genuine[name].headers).map((header) => [header, '']));
    expect(await told(name, { headers: blank, secrets: [...genuine[name].secrets, ''] })).toBeNull();
  });
});

describe('the names of an event', () => {
  const signed = (body: string): Promise<WebhookFact | null> =>
    schemes.hmac(delivery(body, { 'x-signature': hmac(body) }));

  it.each(['not json', '', '[1]', 'null', '{}', '{"id":{}}', '{"id":""}'])(
    'are the hash of body and signature for the body %j',
    async (body) => {
      const expected = sha256(`${body}\n${hmac(body)}`);
      expect(await signed(body)).toMatchObject({ deliveryId: expected, type: '', effect: 'none' });
    },
  );

  it.each([
    JSON.stringify({ event_id: 'nul\u0000' }),
    JSON.stringify({ event_id: 'x'.repeat(201), type: 'two words' }),
  ])('fit into every store: %.40s', async (body) => {
    expect(await signed(body)).toMatchObject({ deliveryId: expect.stringMatching(/^[0-9a-f]{64}$/), type: '' });
  });

  it.each([
    ['{"id":"evt_9","object":"payment"}', 'evt_9'],
    ['{"id":"e9d4","resource":"event"}', 'e9d4'],
    ['{"event_id":5,"id":"pay_1"}', '5'],
  ])('are the id in %s, which is the event', async (body, deliveryId) => {
    expect(await signed(body)).toMatchObject({ deliveryId });
  });

  it('are never an id that may name the thing, which changes twice', async () => {
    const facts = ['paid', 'refunded'].map((type) => signed(JSON.stringify({ id: 'pay_1', type })));
    const [first, second] = await Promise.all(facts);
    expect(first?.deliveryId).not.toBe(second?.deliveryId);
  });
});

describe('Stripe', () => {
  const at = (offset: number, header = 'stripe-signature') =>
    delivery(json, { [header]: `t=${time + offset},v1=${hmac(`${time + offset}.${json}`)}` });

  it.each([300, -300, 0])('is believed %i seconds off', async (offset) => {
    expect(await schemes.stripe(at(offset))).not.toBeNull();
  });

  it.each([301, -301, NaN])('is not believed %d seconds off', async (offset) => {
    expect(await schemes.stripe(at(offset))).toBeNull();
  });

  it('is believed if any of several v1 is right, and v0 counts for nothing', async () => {
    const right = hmac(`${time}.${json}`);
    const wrong = hmac(`${time}.${json}`, 'other');
    const read = (header: string) => schemes.stripe(delivery(json, { 'stripe-signature': header }));
    expect(await read(`t=${time},v1=${wrong},v1=${right},v0=${wrong}`)).not.toBeNull();
    expect(await read(`t=${time},v1=${wrong},v0=${right}`)).toBeNull();
    expect(await read(`t=${time},t=${time - 1},v1=${right}`)).toBeNull();
  });
});

describe('Mercado Pago', () => {
  const read = (signedText: string, more: Partial<Delivery>, ts: number | string = time) =>
    schemes.mercadopago({
      ...genuine.mercadopago,
      ...more,
      headers: { ...more.headers, 'x-signature': `ts=${ts},v1=${hmac(signedText)}` },
    });

  it('signs the id of the address in lower case, else the one of the body', async () => {
    const body = Buffer.from('{"id":1,"data":{"id":"ABC9"}}');
    const signedText = `id:abc9;request-id:req-1;ts:${time};`;
    const headers = { 'x-request-id': 'req-1' };
    expect(await read(signedText, { body, headers, query: { 'data.id': 'ABC9' } })).not.toBeNull();
    expect(await read(signedText, { body, headers, query: undefined })).not.toBeNull();
  });

  it('leaves out what the delivery does not have', async () => {
    expect(await read(`id:123456;ts:${time};`, {})).not.toBeNull();
    expect(await read(`ts:${time};`, { query: {}, body: Buffer.from('{}') })).not.toBeNull();
  });

  it('is not believed when body and address are about two things', async () => {
    const body = Buffer.from('{"data":{"id":"999"}}');
    expect(await read(manifest, { body, headers: { 'x-request-id': 'req-1' } })).toBeNull();
  });

  it('is the same one whatever is not signed of it, and another one at another time', async () => {
    const nameOf = async (body: string, ts: number) =>
      (await read(`id:123456;ts:${ts};`, { body: Buffer.from(body) }, ts))?.deliveryId;
    const names = [await nameOf('{"id":1,"event_id":"a"}', time), await nameOf('{"id":2,"event_id":"b"}', time)];
    expect(names).toEqual([`id:123456;ts:${time};`, `id:123456;ts:${time};`]);
    expect(await nameOf('{"id":1}', time + 1)).toBe(`id:123456;ts:${time + 1};`);
  });

  it('names the account that it is about, where the body does', async () => {
    const told = (user_id: unknown) =>
      read(`id:1;ts:${time};`, { query: {}, body: Buffer.from(JSON.stringify({ user_id, data: { id: '1' } })) });
    const facts = await Promise.all([44444, '44444', undefined, 'ada', {}, 4.5].map(told));
    expect(facts.map((fact) => fact!.account)).toEqual(['44444', '44444', '', '', '', '']);
  });

  it('takes a time in milliseconds, and no time that is no number', async () => {
    expect(await read(`id:123456;ts:${now.getTime()};`, {}, now.getTime())).not.toBeNull();
    expect(await read('id:123456;ts:soon;', {}, 'soon')).toBeNull();
  });
});

describe('a static token', () => {
  it('may have any letters, however they came over HTTP, and none of the blanks around it', async () => {
    const asSent = { 'asaas-access-token': Buffer.from('tökén').toString('latin1') };
    expect(await schemes.asaas(delivery(json, asSent, { secrets: [' tökén '] }))).not.toBeNull();
    expect(
      await schemes.asaas(delivery(json, { 'asaas-access-token': 'tökén' }, { secrets: ['tökén'] })),
    ).not.toBeNull();
    expect(await schemes.asaas(delivery(json, { 'asaas-access-token': 'token' }, { secrets: ['tökén'] }))).toBeNull();
  });
});

describe('HTTP Basic', () => {
  it('wants a secret of user and password', async () => {
    expect(await told('basic', { secrets: ['zoop'], headers: { authorization: basicHeader('zoop') } })).toBeNull();
  });

  it.each(['basic', 'BASIC', 'Basic '])('is called %j as well', async (name) => {
    const headers = { authorization: basicHeader('zoop:pass').replace('Basic', name) };
    expect(await told('basic', { headers })).not.toBeNull();
  });

  it('is nothing but its credentials', async () => {
    for (const authorization of [
      'Basic',
      'Bearer x',
      basicHeader('zoop:pass').slice(6),
      `x${basicHeader('zoop:pass')}`,
    ])
      expect(await told('basic', { headers: { authorization } })).toBeNull();
  });

  it('knows a password with a colon in it', async () => {
    const credentials = 'zoop:a:b';
    const headers = { authorization: basicHeader(credentials) };
    expect(await told('basic', { secrets: [credentials], headers })).not.toBeNull();
  });
});

/** The parts of a delivery that the scheme's proof covers; nothing else can be held to it. */
const covered: Record<keyof typeof schemes, string[]> = {
  stripe: ['body', 'stripe-signature'],
  mercadopago: ['x-signature', 'x-request-id', 'data.id'],
  asaas: ['asaas-access-token'],
  github: ['body', 'x-hub-signature-256'],
  hmac: ['body', 'x-signature'],
  basic: ['authorization'],
  teller: ['body', 'teller-signature'],
};

/** One to three random edits of the text: a byte replaced, put in, left out, doubled, or the end cut off. */
function mutated(text: string, random: (below: number) => number): string {
  const bytes = [...Buffer.from(text, 'latin1')];
  for (let edits = 1 + random(3); edits > 0; edits -= 1) {
    const at = random(bytes.length + 1);
    const kind = random(5);
    if (kind === 0) bytes[Math.min(at, bytes.length - 1)] = random(256);
    else if (kind === 1) bytes.splice(at, 0, 32 + random(95));
    else if (kind === 2) bytes.splice(at, 1);
    else if (kind === 3) bytes.splice(at, 0, bytes[at] ?? 48);
    else bytes.length = at;
  }
  return Buffer.from(bytes).toString('latin1');
}

function changed(original: Delivery, part: string, random: (below: number) => number): Delivery | null {
  if (part === 'body') {
    const body = Buffer.from(mutated(original.body.toString('latin1'), random), 'latin1');
    return body.equals(original.body) ? null : { ...original, body };
  }
  const before = original.headers[part] ?? original.query?.[part] ?? '';
  const after = mutated(before, random);
  // Blanks around the members of a list say nothing, in HTTP as here; nor do capitals and blanks of a scheme's name.
  const plain = after.replace(/\s*(^|,|$)\s*/g, '$1').replace(/^basic +/i, 'Basic ');
  if (plain === before) return null;
  return part in original.headers
    ? { ...original, headers: { ...original.headers, [part]: after } }
    : { ...original, query: { ...original.query, [part]: after } };
}

/** Park and Miller's generator: the same mutations in every run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

async function acceptedOf(count: number, scheme: WebhookScheme, original: Delivery, parts: string[]) {
  const random = randomFrom(20260115);
  let [tried, accepted] = [0, 0];
  while (tried < count) {
    const mutation = changed(original, parts[random(parts.length)]!, random);
    if (!mutation) continue;
    tried += 1;
    if ((await scheme(mutation)) !== null) accepted += 1;
  }
  return accepted;
}

describe('ten thousand mutations of a genuine delivery', () => {
  it.each(names)('of %s are accepted 0 times', async (name) => {
    expect(await acceptedOf(10_000, schemes[name], genuine[name], covered[name])).toBe(0);
    expect(await told(name)).not.toBeNull();
  });

  it('of plaid, of which every tenth is tried since each costs a signature check, are accepted 0 times', async () => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = keys.publicKey.export({ format: 'jwk' }) as { kty: string; crv: string; x: string; y: string };
    const verify = plaidWebhookVerifier(() => Promise.resolve({ ...jwk, alg: 'ES256', expired_at: null }));
    const body = '{"webhook_type":"ITEM","webhook_code":"LOGIN_REPAIRED","item_id":"item_1"}';
    const token = await new SignJWT({ request_body_sha256: sha256(body), iat: time })
      .setProtectedHeader({ alg: 'ES256', kid: 'key-1' })
      .sign(keys.privateKey);
    const original = delivery(body, { 'plaid-verification': token }, { secrets: [] });
    const patient: WebhookScheme = (each) =>
      webhookScheme(
        { scheme: 'plaid', header: 'Plaid-Verification' },
        verify,
      )(each).catch((error: { code?: string }) => {
        // A mutated key id is looked up, and look-ups have a limit: the answer is "try again".
        if (error.code !== 'TOO_MANY_KEY_LOOKUPS') throw error;
        return null;
      });
    expect(await patient(original)).toMatchObject({ effect: 'login_repaired', providerItemId: 'item_1' });
    expect(await acceptedOf(1_000, patient, original, ['body', 'plaid-verification'])).toBe(0);
    expect(await webhookScheme({ scheme: 'plaid', header: 'Plaid-Verification' })(original)).toBeNull();
  });
});
