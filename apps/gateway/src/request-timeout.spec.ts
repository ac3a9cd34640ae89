import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startGateway, type TestGateway } from '../test/gateway.js';

/** The limits are so much shorter here; how they stand to each other is what counts. */
const SHORTER = 50;
let gateway: TestGateway;
let server: Server;
const sockets: Socket[] = [];

beforeAll(async () => {
  gateway = await startGateway();
  server = gateway.app.getHttpServer();
  server.requestTimeout /= SHORTER;
  server.headersTimeout /= SHORTER;
  await gateway.app.listen(0, '127.0.0.1');
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  return gateway.app.close();
});

/** What is heard until the other side closes for good; this side never does. */
function stalled(bytes: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }, () => socket.write(bytes));
    sockets.push(socket);
    socket.on('data', (chunk) => (heard += String(chunk)));
    socket.on('error', () => undefined);
    server.once('connection', (other) => other.once('close', () => resolve(heard)));
  });
}

it('is 15 seconds for the head and the body together', () => {
  expect([server.requestTimeout * SHORTER, server.headersTimeout * SHORTER]).toEqual([15_000, 15_000]);
});

it.each([
  ['head', 'POST /api/v1/users HTTP/1.1\r\nHost'],
  ['body', 'POST /api/v1/users HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{'],
])(
  'a %s that stalls is a 408 within seconds, and its connection ends also where its client keeps it',
  async (_, bytes) => {
    const heard = await stalled(bytes);
    expect(heard).toMatch(/^HTTP\/1\.1 408 /);
    expect(heard).toContain('"REQUEST_TIMEOUT"');
  },
  10_000,
);
