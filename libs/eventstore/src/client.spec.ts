import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import { ClusterInfo, EndPoint, MemberInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import { SupportedMethod, SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { UUID } from '@eventstore/db-client/generated/shared_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { type BatchAppendReq, BatchAppendResp, type ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { jsonEvent, NO_STREAM } from '@eventstore/db-client';
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { connectEventStore, type EventStoreDBClient } from './client.js';
import { readStream } from './read-stream.js';

const gone = { code: status.UNAVAILABLE, details: 'gone' } as ServiceError;

let server: Server;
let port: number;
/** Whether the cluster says who leads it. */
let hasLeader: boolean;
let featuresAsked: number;
let reads: ServerWritableStream<ReadReq, unknown>[];
/** What each call says about the leader. */
let leaderAsked: unknown[];
let client: EventStoreDBClient;

beforeEach(async () => {
  [hasLeader, featuresAsked, reads, leaderAsked] = [true, 0, [], []];
  server = new Server();
  server.addService(GossipService, {
    read: (_: unknown, reply: sendUnaryData<ClusterInfo>) =>
      reply(null, new ClusterInfo().setMembersList(hasLeader ? [leader()] : [])),
  });
  server.addService(ServerFeaturesService, { getSupportedMethods: features });
  server.addService(StreamsService, { batchAppend, read });
  port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const discovery = 'maxDiscoverAttempts=3&discoveryInterval=50';
  client = connectEventStore(`esdb+discover://127.0.0.1:${port}?tls=false&${discovery}`);
});
afterEach(async () => {
  await client.dispose();
  server.forceShutdown();
});

const leader = () =>
  new MemberInfo()
    .setInstanceId(new UUID().setString(randomUUID()))
    .setIsAlive(true)
    .setState(MemberInfo.VNodeState.LEADER)
    .setHttpEndPoint(new EndPoint().setAddress('127.0.0.1').setPort(port));

function features(_: unknown, reply: sendUnaryData<SupportedMethods>): void {
  featuresAsked++;
  const batches = new SupportedMethod().setServiceName('event_store.client.streams.streams');
  reply(null, new SupportedMethods().setMethodsList([batches.setMethodName('batchappend')]));
}

function read(call: ServerWritableStream<ReadReq, unknown>): void {
  leaderAsked.push(...call.metadata.get('requires-leader'));
  reads.push(call);
}

function batchAppend(call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void {
  leaderAsked.push(...call.metadata.get('requires-leader'));
  call.on('error', () => undefined);
  call.on('data', (request: BatchAppendReq) =>
    call.write(
      new BatchAppendResp()
        .setCorrelationId(request.getCorrelationId())
        .setStreamIdentifier(request.getOptions()!.getStreamIdentifier())
        .setSuccess(new BatchAppendResp.Success().setCurrentRevision('7')),
    ),
  );
}

const append = () =>
  client.appendToStream('stream', jsonEvent({ id: randomUUID(), type: 'Happened', data: {} }), {
    expectedRevision: NO_STREAM,
  });
const appended = { nextExpectedRevision: 7n };

/** A subscription that stands, with what ends it. */
async function subscribed() {
  const count = reads.length;
  const subscription = client.subscribeToAll();
  const ended = new Promise((resolve) => subscription.once('error', resolve));
  while (reads.length === count) await wait(5);
  return { call: reads.at(-1)!, ended };
}

it('appends again when a cluster that had no leader has one', async () => {
  hasLeader = false;
  await expect(append()).rejects.toThrow('Failed to discover');
  hasLeader = true;
  await expect(append()).resolves.toMatchObject(appended);
});

it('asks what the server can once for all appends over a connection', async () => {
  for (let n = 0; n < 3; n++) await append();
  expect(featuresAsked).toBe(1);
});

it('a call that breaks while a cluster has no leader takes nothing with it', async () => {
  const [first, second] = [await subscribed(), await subscribed()];
  hasLeader = false;
  first.call.emit('error', gone);
  await first.ended;
  const early = append();
  second.call.emit('error', gone);
  // A promise that is rejected and that nobody waits for ends the test run.
  await expect(early).rejects.toThrow('Failed to discover');
  await second.ended;
  hasLeader = true;
  await expect(append()).resolves.toMatchObject(appended);
});

it('requires the leader for appends, reads and subscriptions', async () => {
  await append();
  await subscribed();
  const reading = readStream(client, 'stream');
  while (reads.length < 2) await wait(5);
  reads[1]!.end();
  await reading;
  expect(leaderAsked).toEqual(['true', 'true', 'true']);
});
