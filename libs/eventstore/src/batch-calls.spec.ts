import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import { SupportedMethod, SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { type BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { jsonEvent, NO_STREAM, UnavailableError } from '@eventstore/db-client';
import { Server, ServerCredentials, type ServerDuplexStream, type ServiceError, status } from '@grpc/grpc-js';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { connectEventStore, type EventStoreDBClient } from './client.js';

type Call = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

/** A batch call as the server sees it. */
interface Batch {
  call: Call;
  asked: BatchAppendReq[];
  isOpen: boolean;
}

const gone = { code: status.UNAVAILABLE, details: 'gone' } as ServiceError;

let server: Server;
let batches: Batch[];
let url: string;
let client: EventStoreDBClient;
beforeEach(async () => {
  batches = [];
  server = new Server();
  const batchAppend = (call: Call) => {
    const batch: Batch = { call, asked: [], isOpen: true };
    batches.push(batch);
    call.on('data', (request: BatchAppendReq) => batch.asked.push(request));
    for (const end of ['cancelled', 'end', 'error']) call.on(end, () => (batch.isOpen = false));
  };
  const read = (call: Call) => call.emit('error', gone);
  server.addService(StreamsService, { batchAppend, read });
  const supported = new SupportedMethod().setServiceName('event_store.client.streams.streams');
  supported.setMethodName('batchappend');
  server.addService(ServerFeaturesService, {
    getSupportedMethods: (_: unknown, reply: (error: null, methods: SupportedMethods) => void) =>
      reply(null, new SupportedMethods().setMethodsList([supported])),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  url = `esdb://127.0.0.1:${port}?tls=false`;
  client = connectEventStore(url);
});
afterEach(async () => {
  await client.dispose();
  server.forceShutdown();
});

const append = (by = client, data = {}) => {
  const event = jsonEvent({ id: randomUUID(), type: 'Happened', data });
  const appended = by.appendToStream('stream', event, { expectedRevision: NO_STREAM });
  appended.catch(() => undefined);
  return appended;
};
const refusedRead = async () => {
  for await (const _ of client.readAll());
};

async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !isSo(); await wait(5)) {
    if (Date.now() > deadline) throw new Error(`not within 10 s: ${isSo.toString()}`);
  }
}

/** The next append that comes over the batch call of this number. */
async function asked(number: number, count = 1): Promise<BatchAppendReq> {
  await until(() => (batches[number]?.asked.length ?? 0) >= count);
  return batches[number]!.asked[count - 1]!;
}

function answer(number: number, request: BatchAppendReq): void {
  const success = new BatchAppendResp.Success().setCurrentRevision('7');
  batches[number]!.call.write(
    new BatchAppendResp()
      .setCorrelationId(request.getCorrelationId())
      .setStreamIdentifier(request.getOptions()!.getStreamIdentifier())
      .setSuccess(success),
  );
}

const appended = { nextExpectedRevision: 7n };

it('a call that was left behind takes nothing with it when it breaks', async () => {
  const first = append();
  answer(0, await asked(0));
  await expect(first).resolves.toMatchObject(appended);
  await expect(refusedRead()).rejects.toBeInstanceOf(UnavailableError);
  const second = append();
  const request = await asked(1);
  batches[0]!.call.emit('error', gone);
  // In which what it has broken would be told.
  await wait(50);
  answer(1, request);
  await expect(second).resolves.toMatchObject(appended);
});

it('what waits on a call that is left behind fails at once and can be repeated, and only one call stays open', async () => {
  const first = append();
  const late = await asked(0);
  await expect(refusedRead()).rejects.toBeInstanceOf(UnavailableError);
  const second = append();
  answer(1, await asked(1));
  await expect(first).rejects.toBeInstanceOf(UnavailableError);
  await expect(second).resolves.toMatchObject(appended);
  await until(() => !batches[0]!.isOpen);
  answer(0, late);
  const again = append();
  answer(1, await asked(1, 2));
  await expect(again).resolves.toMatchObject(appended);
  expect(batches.map(({ isOpen }) => isOpen)).toEqual([false, true]);
});

it('an answer that nobody waits for is passed over', async () => {
  const first = append();
  const request = await asked(0);
  answer(0, request);
  answer(0, request);
  await expect(first).resolves.toMatchObject(appended);
  const second = append();
  answer(0, await asked(0, 2));
  await expect(second).resolves.toMatchObject(appended);
});

it('clients keep their calls beside each other, and late answers do no harm when one of them breaks', async () => {
  const other = connectEventStore(url);
  const ofOne = append();
  const late = await asked(0);
  const ofOther = append(other);
  answer(1, await asked(1));
  await expect(ofOther).resolves.toMatchObject(appended);
  batches[1]!.call.emit('error', gone);
  await expect(ofOne).rejects.toBeInstanceOf(UnavailableError);
  answer(0, late);
  const again = append();
  answer(0, await asked(0, 2));
  await expect(again).resolves.toMatchObject(appended);
  await other.dispose();
});

it('appends that a call has no room for fail with it when it breaks, and nothing else', async () => {
  const first = append();
  await asked(0);
  batches[0]!.call.pause();
  const padding = 'x'.repeat(50_000);
  const large = Array.from({ length: 40 }, () => append(client, { padding }));
  // As long as it takes to fill what is between the two.
  await wait(100);
  batches[0]!.call.emit('error', gone);
  for (const waiting of [first, ...large]) await expect(waiting).rejects.toBeInstanceOf(UnavailableError);
  // A promise that is rejected and that nobody waits for ends the test run.
  const again = append();
  answer(1, await asked(1));
  await expect(again).resolves.toMatchObject(appended);
});
