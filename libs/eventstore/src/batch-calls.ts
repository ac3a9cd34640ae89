import { UnavailableError } from '@eventstore/db-client';
import { parseUUID } from '@eventstore/db-client/dist/utils/grpcUUID.js';
import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { ClientDuplexStream, Metadata } from '@grpc/grpc-js';

/*
 * The client sends all its appends over one call that stays open. Whenever it connects anew, as after any answer that the
 * store is unavailable, it opens another one and forgets the first. That one keeps its connection, and when it breaks, all
 * appends of the process fail, and answers that then come to them end the process. Here the first ends as another is opened,
 * and answers to appends that have failed are passed over.
 *
 * While a call is full, as when the store hangs, the client keeps further messages in a line of its own. When the call breaks,
 * nobody waits for what it makes of that line, and the process ends. So here a call is never full: it keeps them itself, and
 * the appends end like all others that wait for an answer.
 */

type Call = ClientDuplexStream<BatchAppendReq, BatchAppendResp>;

/** The open call of each client, by the name of its connection. */
const calls = new Map<string, Call>();
/** The ids that the client waits for, over all calls together: what it keeps itself, and shows nobody. */
const waiting = new Set<string>();

const { prototype } = StreamsClient;
// eslint-disable-next-line @typescript-eslint/unbound-method -- it is called on its own client below
const open = prototype.batchAppend as (this: StreamsClient, metadata: Metadata, options: object) => Call;

prototype.batchAppend = function (this: StreamsClient, metadata: Metadata, options: object) {
  const name = String(metadata.get('connection-name'));
  const before = calls.get(name);
  if (before) leave(before);
  const call = listeningFor(waiting, open.call(this, metadata, options));
  calls.set(name, call);
  return call.once('status', () => calls.get(name) === call && calls.delete(name));
} as typeof prototype.batchAppend;

/** What waits for it fails at once, and can be sent again over the next one. */
function leave(call: Call): void {
  call.emit('error', new UnavailableError(undefined, 'the client has connected anew'));
  call.removeAllListeners('data').removeAllListeners('error');
  call.on('error', () => undefined).cancel();
}

/** A call that hears only answers to these ids. Like the client, it gives up all of them when it breaks. */
function listeningFor(ids: Set<string>, call: Call): Call {
  const write = call.write.bind(call) as (request: BatchAppendReq, ...rest: unknown[]) => unknown;
  const emit = call.emit.bind(call) as (event: string | symbol, ...rest: unknown[]) => boolean;
  call.on('error', () => ids.clear());
  return Object.assign(call, {
    write(request: BatchAppendReq, ...rest: unknown[]) {
      // Only the first message of an append has them.
      if (request.hasOptions()) ids.add(parseUUID(request.getCorrelationId()!));
      write(request, ...rest);
      return true;
    },
    emit(event: string | symbol, ...rest: unknown[]) {
      if (event === 'data' && !ids.delete(parseUUID((rest[0] as BatchAppendResp).getCorrelationId()!))) return false;
      return emit(event, ...rest);
    },
  });
}
