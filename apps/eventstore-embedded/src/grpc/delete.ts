import { type handleUnaryCall } from '@grpc/grpc-js';
import {
  type DeleteReq,
  DeleteResp,
  type TombstoneReq,
  TombstoneResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import { type WriteRequest } from '../log/group.js';
import { type Writer } from '../log/writer.js';
import { serviceError } from './errors.js';
import { deletableStreamName, expectedRevision, nameAsAsked, writeDeadline } from './requests.js';
import { InvalidArgument } from '../log/refusals.js';

type Options = DeleteReq.Options | TombstoneReq.Options;

/** Hides the stream's events; it can be written again, at the next revision. */
export function deleteHandler(writer: Writer): handleUnaryCall<DeleteReq, DeleteResp> {
  return (call, callback) => {
    remove(writer, 'delete', call.request.getOptions()).then((position) => {
      const message = new DeleteResp.Position().setCommitPosition(position).setPreparePosition(position);
      callback(null, new DeleteResp().setPosition(message));
    }, callback);
  };
}

/** Ends the stream for ever. */
export function tombstoneHandler(writer: Writer): handleUnaryCall<TombstoneReq, TombstoneResp> {
  return (call, callback) => {
    remove(writer, 'tombstone', call.request.getOptions()).then((position) => {
      const message = new TombstoneResp.Position().setCommitPosition(position).setPreparePosition(position);
      callback(null, new TombstoneResp().setPosition(message));
    }, callback);
  };
}

/** The position of the event that did it, as text. */
async function remove(writer: Writer, operation: WriteRequest['operation'], options?: Options): Promise<string> {
  if (!options) throw serviceError(new InvalidArgument('options are needed'), { operation: 'Delete' });
  const stream = nameAsAsked(options.getStreamIdentifier());
  const expected = expectedRevision(options, options.getRevision());
  try {
    deletableStreamName(options.getStreamIdentifier());
    const { position } = await writer.submit({ operation, stream, expected, events: [], deadline: writeDeadline() });
    return String(position);
  } catch (error) {
    throw serviceError(error, { operation: 'Delete', stream, expected });
  }
}
