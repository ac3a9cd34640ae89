import { type handleUnaryCall } from '@grpc/grpc-js';
import { SupportedMethod, SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import { type Empty } from '@eventstore/db-client/generated/shared_pb.js';

/** The version whose behaviour this server follows, and whose build it is. */
const SERVER_VERSION = '23.10.6+latchkey';

const METHODS = {
  'event_store.client.streams.streams': ['read', 'append', 'delete', 'tombstone', 'batchappend'],
  'event_store.client.server_features.serverfeatures': ['getsupportedmethods'],
  'event_store.client.gossip.gossip': ['read'],
};

/** Says what is here, so that the client refuses on its own what is not. */
export const supportedMethods: handleUnaryCall<Empty, SupportedMethods> = (_call, callback) => {
  const response = new SupportedMethods().setEventStoreServerVersion(SERVER_VERSION);
  for (const [service, methods] of Object.entries(METHODS)) {
    for (const method of methods) {
      response.addMethods(new SupportedMethod().setServiceName(service).setMethodName(method));
    }
  }
  callback(null, response);
};
