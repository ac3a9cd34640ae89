import { BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';

/**
 * The client sends with each append until when it may be decided, by its own clock, and the store holds that against its own:
 * one that is a few seconds ahead would refuse all appends of a process. Without it the store decides within its own time for
 * writes, and how long an answer is waited for is ours to say.
 */
BatchAppendReq.Options.prototype.setDeadline = function () {
  return this;
};
