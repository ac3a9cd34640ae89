import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccessDeniedError, type EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { GossipClient } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import { ServerFeaturesClient } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import { Empty, StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import { StreamsClient, StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import {
  AppendReq,
  BatchAppendReq,
  DeleteReq,
  ReadReq,
  TombstoneReq,
} from '@eventstore/db-client/generated/streams_pb.js';
import { credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { signedInClient } from '#eventstore/signed-in-client.js';
import { startStack, type Stack } from '#testing/stack.js';
import { all, event, events, loginOf, numbers, reason, unique } from './event-store-client.js';

/** Our own server, as it stands beside every other process of the machine. */
const dataDir = mkdtempSync(join(tmpdir(), 'latchkey-login-'));
let stack: Stack;
let client: EventStoreDBClient;
let raw: StreamsClient;

async function start(): Promise<void> {
  stack = await startStack({ parts: ['postgres', 'eventstore'], servers: 'local', dataDir });
  client = signedInClient(url());
  raw = new StreamsClient(address(), credentials.createInsecure());
}
async function stop(): Promise<void> {
  await client?.dispose();
  raw?.close();
  await stack?.stop();
}
beforeAll(start);
afterAll(async () => {
  await stop();
  rmSync(dataDir, { recursive: true });
});

const url = () => stack.run().eventstore.url;
const address = () => new URL(url()).host;
const identifier = (stream: string) => new StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64'));

type Ended = { code: status } | null;
type Call = (login: Metadata, stream: string) => Promise<Ended>;

const read = (options: ReadReq.Options): Call => {
  return async (login) => {
    const noFilter = options
      .setNoFilter(new Empty())
      .setUuidOption(new ReadReq.Options.UUIDOption().setString(new Empty()));
    const call = raw.read(new ReadReq().setOptions(noFilter), login);
    // The first answer is enough: a subscription goes on for ever.
    const ended = new Promise<Ended>((resolve) => {
      call.on('data', () => resolve(null));
      call.on('end', () => resolve(null));
      call.on('error', (error: ServiceError) => resolve(error));
    });
    return ended.finally(() => call.cancel());
  };
};
const all$ = () => new ReadReq.Options.AllOptions().setStart(new Empty());
const answerOf = (call: (callback: (error: ServiceError | null) => void) => unknown) =>
  new Promise<Ended>((resolve) => call((error) => resolve(error)));

function eventIn<M extends AppendReq.ProposedMessage | BatchAppendReq.ProposedMessage>(message: M): M {
  message.setId(new UUID().setString(event().id)).setData(Buffer.from('{}').toString('base64'));
  message.getMetadataMap().set('type', 'KeyCreated').set('content-type', 'application/json');
  return message;
}

/** Every call of the protocol that reaches what is stored. */
const calls: Record<keyof typeof StreamsService, [name: string, call: Call][]> = {
  read: [
    ['reading $all', read(new ReadReq.Options().setAll(all$()).setCount('10'))],
    [
      'subscribing to $all',
      read(new ReadReq.Options().setAll(all$()).setSubscription(new ReadReq.Options.SubscriptionOptions())),
    ],
    [
      'reading a stream',
      (login, stream) => read(new ReadReq.Options().setStream(streamOf(stream)).setCount('10'))(login, stream),
    ],
    [
      'subscribing to a stream',
      (login, stream) =>
        read(
          new ReadReq.Options().setStream(streamOf(stream)).setSubscription(new ReadReq.Options.SubscriptionOptions()),
        )(login, stream),
    ],
  ],
  append: [
    [
      'appending',
      (login, stream) =>
        answerOf((callback) => {
          const call = raw.append(login, callback);
          call.on('error', () => undefined);
          const options = new AppendReq.Options().setStreamIdentifier(identifier(stream)).setAny(new Empty());
          call.write(new AppendReq().setOptions(options));
          call.write(new AppendReq().setProposedMessage(eventIn(new AppendReq.ProposedMessage())));
          call.end();
        }),
    ],
  ],
  batchAppend: [
    [
      'appending in batches',
      async (login, stream) => {
        const call = raw.batchAppend(login);
        const options = new BatchAppendReq.Options().setStreamIdentifier(identifier(stream)).setAny(new Empty());
        call.write(
          new BatchAppendReq()
            .setCorrelationId(new UUID().setString(event().id))
            .setOptions(options)
            .setProposedMessagesList([eventIn(new BatchAppendReq.ProposedMessage())])
            .setIsFinal(true),
        );
        const answered = once(call, 'data').then(
          () => null,
          (error: ServiceError) => error,
        );
        return answered.finally(() => call.on('error', () => undefined).cancel());
      },
    ],
  ],
  delete: [
    [
      'deleting',
      (login, stream) => {
        const options = new DeleteReq.Options().setStreamIdentifier(identifier(stream)).setAny(new Empty());
        return answerOf((callback) => raw.delete(new DeleteReq().setOptions(options), login, callback));
      },
    ],
  ],
  tombstone: [
    [
      'ending a stream for ever',
      (login, stream) => {
        const options = new TombstoneReq.Options().setStreamIdentifier(identifier(stream)).setAny(new Empty());
        return answerOf((callback) => raw.tombstone(new TombstoneReq().setOptions(options), login, callback));
      },
    ],
  ],
};

const streamOf = (stream: string) =>
  new ReadReq.Options.StreamOptions().setStreamIdentifier(identifier(stream)).setStart(new Empty());

const wrongLogins: [string, () => Metadata][] = [
  ['no login', () => new Metadata()],
  ['another password', () => loginOf(url(), { username: 'admin', password: 'changeit' })],
  ['another user', () => loginOf(url(), { username: 'nobody', password: new URL(url()).password })],
  ['no password', () => loginOf(url(), { username: 'admin', password: '' })],
];

describe.each(Object.values(calls).flat())('%s', (_name, call) => {
  it.each(wrongLogins)('is refused with %s, and nothing is changed', async (_login, login) => {
    const stream = unique('login');
    await client.appendToStream(stream, events(2));
    const before = (await all(client.readAll())).length;
    expect(await call(login(), stream)).toMatchObject({ code: status.UNAUTHENTICATED });
    expect(await numbers(client.readStream(stream))).toEqual([0, 1]);
    expect(await all(client.readAll())).toHaveLength(before);
  });

  it('is answered with the login', async () => {
    const stream = unique('login');
    await client.appendToStream(stream, events(2));
    expect(await call(loginOf(url()), stream)).toBeNull();
  });
});

it('every call of the protocol for streams is among them', () => {
  expect(Object.keys(calls).sort()).toEqual(Object.keys(StreamsService).sort());
});

it('where the server is and what it can is told to everybody, as EventStoreDB does it', async () => {
  const gossip = new GossipClient(address(), credentials.createInsecure());
  const features = new ServerFeaturesClient(address(), credentials.createInsecure());
  expect(await answerOf((callback) => gossip.read(new Empty(), callback))).toBeNull();
  expect(await answerOf((callback) => features.getSupportedMethods(new Empty(), callback))).toBeNull();
  gossip.close();
  features.close();
});

it('a client without the password is told that it is denied access', async () => {
  const stranger = signedInClient(`esdb://${address()}?tls=false`);
  const append = stranger.appendToStream(unique('api_key'), jsonEvent({ type: 'KeyCreated', data: {} }));
  expect(await reason(append)).toBeInstanceOf(AccessDeniedError);
  expect(await reason(all(stranger.readAll()))).toBeInstanceOf(AccessDeniedError);
  await stranger.dispose();
});

it('a data folder of before there was a password gets one, which then stays', async () => {
  const stream = unique('old');
  await client.appendToStream(stream, events(2));
  await stop();
  rmSync(join(dataDir, 'secrets', 'eventstore-admin'));
  await start();
  const made = new URL(url()).password;
  expect(await numbers(client.readStream(stream))).toEqual([0, 1]);
  await stop();
  await start();
  expect(new URL(url()).password).toBe(made);
});
