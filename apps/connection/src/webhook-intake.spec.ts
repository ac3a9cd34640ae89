import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { contextFor, newTenant } from '#testing/callers.js';
import { type MemoryEvent, MemoryStreams } from '#testing/memory-streams.js';
import type { Store } from '#service/store.js';
import { ConnectionFolds } from './connection-folds.js';
import { KnownConnections } from './known-connections.js';
import { LostDeliveries } from './lost-deliveries.js';
import type { WebhookDeliveries } from './webhook-deliveries.js';
import { WebhookIntake } from './webhook-intake.js';
import type { WebhookSecrets } from './webhook-secrets.js';
import type { WebhookVerification } from './webhook-verification.js';

const LONG = 9_000;
const tenant = newTenant();
const created = { ...tenant, id: 'c', short_id: 'abcdefgh', server_id: 'asaas', auth_type: 'api_key', user_id: 'u' };

class SlowStreams extends MemoryStreams {
  /** How long each read takes. */
  readMs = 0;
  reads = 0;

  override *readStream(...stretch: Parameters<MemoryStreams['readStream']>) {
    this.reads++;
    clock += this.readMs;
    yield* super.readStream(...stretch);
  }
}

/** The names that were put down, and up to where the stream certainly does not hold their events. */
class FakeDeliveries {
  readonly names = new Map<string, bigint>();

  note({ revision, deliveries }: Parameters<WebhookDeliveries['note']>[0]) {
    const fresh = deliveries.map(({ id }) => id).filter((id) => !this.names.has(id));
    for (const id of fresh) this.names.set(id, revision);
    return Promise.resolve(new Set(fresh));
  }

  absentUpTo = (_: string, names: string[]) =>
    Promise.resolve(new Map(names.map((name) => [name, this.names.get(name)!])));
  markAbsent = (_: string, upTo: Map<string, bigint>) =>
    Promise.resolve(upTo.forEach((revision, name) => this.names.set(name, revision)));
}

let clock: number;
let events: SlowStreams;
let stream: MemoryEvent[];
let deliveries: FakeDeliveries;
let intake: WebhookIntake;
/** That deliveries are about. */
let account: string;

/** As after a start: nothing is remembered. */
function start(): void {
  const store = { client: events } as unknown as Store;
  const secrets = { inForce: () => Promise.resolve([]) } as unknown as WebhookSecrets;
  const verification = {
    factOf: (_: string, { body }: { body: string }) =>
      Promise.resolve({
        ...{ deliveryId: Buffer.from(body, 'base64').toString(), type: 'x', code: '', effect: 'none' },
        ...{ providerItemId: '', account },
      }),
  } as unknown as WebhookVerification;
  const names = deliveries as unknown as WebhookDeliveries;
  const known = new KnownConnections(store, secrets, new ConnectionFolds(store));
  intake = new WebhookIntake(known, verification, names, new LostDeliveries(store, names));
}

beforeEach(() => {
  [clock, account] = [Date.now(), ''];
  jest.spyOn(Date, 'now').mockImplementation(() => clock);
  events = new SlowStreams();
  events.mostAtOnce = LONG / 3;
  stream = [
    { id: '0', type: 'ConnectionCreated', data: { ...created, credential_version: 1, connection_metadata: {} } },
    ...Array.from({ length: LONG }, (_, n) => ({ id: String(n + 1), type: 'CredentialAccessed', data: {} })),
  ];
  events.streams.set('connection-c', stream);
  deliveries = new FakeDeliveries();
  start();
});
afterEach(() => void jest.restoreAllMocks());

async function deliver(name: string, id = 'c'): Promise<boolean> {
  const delivery = { headers: {}, query: {}, body: Buffer.from(name).toString('base64') };
  const context = contextFor(tenant);
  return (await intake.take(id, { context, server_id: 'asaas', delivery, sealed: '' })).duplicate;
}

const received = () =>
  events.streams
    .get('connection-c')!
    .filter(({ type }) => type === 'WebhookReceived')
    .map(({ data }) => data);

it('what an outage has left of a delivery is taken in when it comes again, once, however long the stream is', async () => {
  deliveries.names.set('a', -1n);
  expect(await deliver('a')).toBe(false);
  expect(await deliver('a')).toBe(true);
  start();
  expect(await deliver('a')).toBe(true);
  expect(received()).toMatchObject([{ delivery_id: 'a' }]);
});

it('where the time runs out it goes on when it comes again, and keeps no other delivery from being taken in', async () => {
  await deliver('first');
  deliveries.names.set('a', -1n);
  events.readMs = 200;
  const outcomes = await Promise.allSettled([deliver('new'), deliver('a'), deliver('a')]);
  expect(outcomes).toMatchObject([
    { value: false },
    { reason: { code: 'UNAVAILABLE' } },
    { reason: { code: 'UNAVAILABLE' } },
  ]);
  let tries = 1;
  for (let refused = true; refused; tries++) {
    refused = await deliver('a').catch(() => true);
  }
  expect(tries).toBe(4);
  expect(received()).toMatchObject([{ delivery_id: 'first' }, { delivery_id: 'new' }, { delivery_id: 'a' }]);
});

it('a repeat costs no more when its delivery was taken in long ago', async () => {
  const taken = (name: string) => ({ id: name, type: 'WebhookReceived', data: { delivery_id: name } });
  stream[2_000] = taken('old');
  for (let n = 3_000; n < 4_000; n++) stream[n] = taken(`later ${n}`);
  deliveries.names.set('old', 1_990n);
  await deliver('first');
  events.read = 0;
  expect(await deliver('old')).toBe(true);
  expect(events.read).toBe(1_000);
});

it('many that come again after an outage are looked for together', async () => {
  await deliver('first');
  const names = Array.from({ length: 40 }, (_, n) => `d${n}`);
  for (const name of names) deliveries.names.set(name, -1n);
  events.read = 0;
  expect(await Promise.all(names.map((name) => deliver(name)))).toEqual(names.map(() => false));
  expect(received()).toHaveLength(41);
  // The first comes alone; the others share.
  expect(events.read).toBeLessThan(2.1 * LONG);
});

it('to a connection that does not exist it costs one read, and is taken in once the connection is there', async () => {
  await expect(deliver('a', 'none')).rejects.toMatchObject({ code: 'INVALID_SIGNATURE' });
  expect(events.reads).toBe(1);
  events.streams.set('connection-none', stream.slice(0, 1));
  expect(await deliver('a', 'none')).toBe(false);
});

it.each([
  ['another account than its own', { user_id: 1 }, '2', false],
  ['its own account', { user_id: 1 }, '1', true],
  ['some account, where the provider has not said which is its own', {}, '2', true],
  ['no account', { user_id: 1 }, '', true],
])('about %s a delivery to a connection is believed or not', async (_what, metadata, about, isBelieved) => {
  account = about;
  events.streams.set('connection-c', [{ ...stream[0]!, data: { ...stream[0]!.data, metadata } }]);
  const outcome = await deliver('a').then(
    () => true,
    (error: { code: string }) => error.code,
  );
  expect(outcome).toBe(isBelieved || 'INVALID_SIGNATURE');
});
