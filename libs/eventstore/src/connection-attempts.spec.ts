import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { credentials } from '@grpc/grpc-js';
import { Subchannel } from '@grpc/grpc-js/build/src/subchannel.js';
import type { SubchannelConnector } from '@grpc/grpc-js/build/src/transport.js';
import './connection-attempts.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A connection that fails at first; how often it was tried. */
function failing() {
  const connect = jest.fn(() => Promise.reject<never>(new Error('refused')));
  const connector: SubchannelConnector = { connect, shutdown: () => undefined };
  const address = { host: '127.0.0.1', port: 1 };
  const subchannel = new Subchannel({ path: '127.0.0.1:1' }, address, {}, credentials.createInsecure(), connector);
  subchannel.ref();
  return { subchannel, connect };
}

/** So far that it has failed, and is to be tried again after a pause. */
async function untilItIsToBeTriedAgain(subchannel: Subchannel): Promise<void> {
  subchannel.startConnecting();
  await jest.advanceTimersByTimeAsync(0);
  subchannel.startConnecting();
  await jest.advanceTimersByTimeAsync(0);
}

it('a connection that is still wanted is tried again', async () => {
  const { subchannel, connect } = failing();
  await untilItIsToBeTriedAgain(subchannel);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(connect).toHaveBeenCalledTimes(2);
});

it('a connection that was closed meanwhile is not', async () => {
  const { subchannel, connect } = failing();
  await untilItIsToBeTriedAgain(subchannel);
  subchannel.unref();
  await jest.advanceTimersByTimeAsync(10_000);
  expect(connect).toHaveBeenCalledTimes(1);
});
