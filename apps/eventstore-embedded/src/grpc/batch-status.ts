import { status } from '@grpc/grpc-js';
import { Any } from 'google-protobuf/google/protobuf/any_pb.js';
import { Empty } from 'google-protobuf/google/protobuf/empty_pb.js';
import * as shared from '@eventstore/db-client/generated/shared_pb.js';
import { Status } from '@eventstore/db-client/generated/status_pb.js';
import { type ExpectedRevision } from '../log/event.js';
import {
  AccessDenied,
  AppendTooLarge,
  InvalidArgument,
  ShuttingDown,
  StreamDeleted,
  TimedOut,
  WrongExpectedVersion,
} from '../log/refusals.js';
import { unexpected } from './errors.js';

interface Packed {
  readonly code: status;
  /** The message's name in the package event_store.client, by which the client finds its error class. */
  readonly name: string;
  readonly details: { serializeBinary(): Uint8Array };
  readonly message?: string;
}

/** How BatchAppend reports a failed append: a google.rpc.Status with one packed detail. */
export function batchStatus(error: unknown, expected: ExpectedRevision): Status {
  const { code, name, details, message = name } = pack(error, expected);
  const any = new Any();
  any.pack(details.serializeBinary(), `event_store.client.${name}`);
  // google.rpc.Code has the same numbers as the gRPC status.
  return new Status()
    .setCode(code as number)
    .setMessage(message)
    .setDetails(any);
}

function pack(error: unknown, expected: ExpectedRevision): Packed {
  if (error instanceof WrongExpectedVersion) {
    const details = wrongExpectedVersion(error.current, expected);
    return { code: status.ALREADY_EXISTS, name: 'WrongExpectedVersion', details };
  }
  if (error instanceof StreamDeleted) {
    return { code: status.NOT_FOUND, name: 'StreamDeleted', details: new shared.StreamDeleted() };
  }
  if (error instanceof TimedOut) {
    return { code: status.DEADLINE_EXCEEDED, name: 'Timeout', details: new shared.Timeout() };
  }
  if (error instanceof AppendTooLarge) {
    const details = new shared.MaximumAppendSizeExceeded().setMaxappendsize(error.limitBytes);
    return { code: status.INVALID_ARGUMENT, name: 'MaximumAppendSizeExceeded', details };
  }
  if (error instanceof AccessDenied) {
    return { code: status.PERMISSION_DENIED, name: 'AccessDenied', details: new shared.AccessDenied() };
  }
  const isRefusal = error instanceof InvalidArgument || error instanceof ShuttingDown;
  const message = isRefusal ? error.message : unexpected(error);
  return { code: status.UNKNOWN, name: 'Unknown', details: new shared.Unknown(), message };
}

function wrongExpectedVersion(current: bigint, expected: ExpectedRevision): shared.WrongExpectedVersion {
  const message = new shared.WrongExpectedVersion();
  if (current < 0n) message.setCurrentNoStream(new Empty());
  else message.setCurrentStreamRevision(String(current));
  if (expected === 'any') return message.setExpectedAny(new Empty());
  if (expected === 'no_stream') return message.setExpectedNoStream(new Empty());
  if (expected === 'stream_exists') return message.setExpectedStreamExists(new Empty());
  return message.setExpectedStreamPosition(String(expected));
}
