import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { credentials } from '@grpc/grpc-js';
import { Subchannel } from '@grpc/grpc-js/build/src/subchannel.js';
import { Http2SubchannelConnector, type SubchannelConnector } from '@grpc/grpc-js/build/src/transport.js';
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

it.each([
  ['in plain', credentials.createInsecure()],
  ['over TLS', credentials.createSsl()],
])('a connection %s that is taken and not answered is given up, and closed', async (_, by) => {
  // What sockets need goes on.
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  const server = createServer().unref().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const target = { scheme: 'dns', path: 'localhost' };
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  const attempt = new Http2SubchannelConnector(target).connect(address, by._createSecureConnector(target, {}), {});
  const [taken] = (await once(server, 'connection')) as [Socket];
  // What has been said in vain.
  await once(taken, 'data');
  const closed = once(
    taken.on('error', () => undefined),
    'close',
  );
  jest.advanceTimersByTime(5_000);
  await expect(attempt).rejects.toThrow('no answer within 5000 ms');
  await closed;
  server.close();
});
