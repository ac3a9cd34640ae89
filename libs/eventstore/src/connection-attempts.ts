import type { Socket } from 'node:net';
import type { SecureConnector } from '@grpc/grpc-js/build/src/channel-credentials.js';
import { Subchannel } from '@grpc/grpc-js/build/src/subchannel.js';
import { Http2SubchannelConnector } from '@grpc/grpc-js/build/src/transport.js';
import { rejectAfter } from '#contracts/time-limit.js';

/*
 * Whoever takes a connection and then says nothing, as a balancer does before a server that has just died, would be waited for
 * without end: grpc looks for silence only once the other side has said what it can. A service whose connection was cut would
 * stay without the event store, though that came back long ago.
 *
 * And a connection that failed, and was to be tried again, would be even when it has been closed meanwhile. Whatever the client
 * closed while the event store was away would be there when it is back, and stay open for good.
 */

const LIMIT_MS = 5_000;

/* eslint-disable @typescript-eslint/unbound-method -- each is called on its own object below */
const connect = Http2SubchannelConnector.prototype.connect;
const unref = Subchannel.prototype.unref;
/* eslint-enable @typescript-eslint/unbound-method */

Http2SubchannelConnector.prototype.connect = async function (address, secure, options) {
  let socket: Socket | undefined;
  const noting: SecureConnector = {
    connect: (taken) => secure.connect((socket = taken)),
    waitForReady: () => secure.waitForReady(),
    getCallCredentials: () => secure.getCallCredentials(),
    destroy: () => secure.destroy(),
  };
  const attempt = connect.call(this, address, noting, options);
  return rejectAfter(attempt, LIMIT_MS).catch((error: unknown) => {
    // With it ends whatever it had come to, TLS or more.
    socket?.destroy();
    // Before there is a socket it cannot be ended: if it comes to something after all, that is to end.
    attempt.then(
      (late) => late.shutdown(),
      () => undefined,
    );
    throw error;
  });
};

Subchannel.prototype.unref = function () {
  unref.call(this);
  if (this['refcount'] === 0) this['continueConnecting'] = false;
};
