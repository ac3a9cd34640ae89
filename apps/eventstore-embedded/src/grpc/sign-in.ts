import { createHash, timingSafeEqual } from 'node:crypto';
import { ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';

/** The one login, called as the administrator of EventStoreDB is. */
const USER = 'admin';

/**
 * What the published client asks without its login, of EventStoreDB as well: where the server is and what it can. Neither tells
 * anything of what is stored.
 */
const OPEN = new Set<string>([GossipService.read.path, ServerFeaturesService.getSupportedMethods.path]);

const REFUSED = {
  code: status.UNAUTHENTICATED,
  details: 'EVENTSTORE_URL must have the user and password of this server',
};

/** Lets a call reach its handler only with the login: whoever may append makes API keys, too. */
export function signedIn(password: string): ServerInterceptor {
  const expected = digest(`Basic ${Buffer.from(`${USER}:${password}`).toString('base64')}`);
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, pass) {
            const given = digest(metadata.get('authorization').join());
            if (OPEN.has(method.path) || timingSafeEqual(given, expected)) pass(metadata);
            else call.sendStatus(REFUSED);
          },
        }),
    });
}

const digest = (text: string) => createHash('sha256').update(text).digest();
