import { generateKeyPairSync } from 'node:crypto';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DomainError } from '#contracts/errors.js';
import { platformConnectionId } from '#contracts/ids.js';
import { until } from '#testing/api.js';
import { startGateway, type TestGateway } from '../test/gateway.js';
import { connectionView } from '../test/views.js';

const MIB = 1024 * 1024;
const { publicKey } = generateKeyPairSync('x25519');
const path = `/v1/webhooks/stripe/${platformConnectionId(connectionView.id)}`;
let gateway: TestGateway;
let sockets: Socket[];
let isGenuine: boolean;
let isExpected: boolean;

beforeEach(async () => {
  sockets = [];
  isGenuine = isExpected = true;
  gateway = await startGateway({ TRUSTED_PROXIES: 'loopback' });
  gateway.bus.answers['connection.vault-key'] = () => ({ jwk: { ...publicKey.export({ format: 'jwk' }) } });
  gateway.bus.answers['connection.webhook-expected'] = () => ({ expected: isExpected });
  gateway.bus.answers['connection.webhook'] = () => {
    if (!isGenuine) throw new DomainError('INVALID_SIGNATURE');
    return { accepted: true, duplicate: false };
  };
  await gateway.app.listen(0, '127.0.0.1');
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  return gateway.app.close();
});

const deliver = (payload = '{}', address = '192.0.2.1', url = path) =>
  gateway.call({ method: 'POST', url, payload, headers: { 'x-api-key': '', 'x-forwarded-for': address } });
const statusOf = async (...delivery: Parameters<typeof deliver>) => (await deliver(...delivery)).status;
const asked = () =>
  gateway.bus.asked.map(({ subject }) => subject).filter((subject) => subject !== 'connection.vault-key');

/** Announces a body of so many bytes, of which nothing comes; `head` may go before it. Resolves with what is answered. */
function announce(
  bytes: number | 'chunked',
  address = '192.0.2.1',
  head = '',
): { socket: Socket; answer: Promise<string> } {
  const length = bytes === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes}`;
  const { port } = gateway.app.getHttpServer().address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write(`${head}POST ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\n${length}\r\n\r\n`);
  return { socket, answer: new Promise((resolve) => socket.once('data', (data) => resolve(String(data)))) };
}

const allUnderWay = (count: number) =>
  until(
    () => Promise.resolve(asked().filter((subject) => subject === 'connection.webhook').length),
    (length) => length === count,
  );

/** As many as may be under way at once from one address, known to have been let in by that the next one is not. */
async function fill(address: string): Promise<void> {
  for (let count = 0; count < 8; count++) announce(MIB, address);
  await until(
    () => statusOf('{}', address),
    (status) => status === 503,
  );
}

describe('a large delivery', () => {
  it.each([MIB, 'chunked'] as const)(
    'is refused before it is read where it can be meant for nobody: %s',
    async (size) => {
      isExpected = false;
      expect(await announce(size).answer).toMatch(/^HTTP\/1\.1 401 /);
      expect(asked()).toEqual(['connection.webhook-expected']);
    },
  );

  it('that is announced as too large is refused before it is read', async () => {
    expect(await announce(MIB + 1).answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(asked()).toEqual([]);
  });

  it('is asked about only until a genuine one has come from there', async () => {
    const large = 'x'.repeat(64 * 1024 + 1);
    expect([await statusOf(large), await statusOf(large)]).toEqual([202, 202]);
    expect(asked()).toEqual(['connection.webhook-expected', 'connection.webhook', 'connection.webhook']);
    isExpected = false;
    expect(await statusOf(large, '198.51.100.1')).toBe(401);
  });
});

it('a small delivery goes on without a question', async () => {
  expect(await statusOf('x'.repeat(64 * 1024))).toBe(202);
  expect(asked()).toEqual(['connection.webhook']);
});

describe('what is under way at once', () => {
  it('is 8 MiB from one network; more is a 503 before it is read, until some of it has gone', async () => {
    await fill('192.0.2.1');
    const { headers, json } = await deliver();
    expect([headers['retry-after'], json.code]).toEqual(['1', 'unavailable']);
    expect(await announce(1).answer).toMatch(/^HTTP\/1\.1 503 /);
    expect(await statusOf('{}', '198.51.100.1')).toBe(202);
    sockets[0]!.destroy();
    await until(statusOf, (status) => status === 202);
  });

  it('is 32 MiB from all networks that genuine ones have come from', async () => {
    const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4'];
    for (const address of [...addresses, '192.0.2.5']) expect(await statusOf('{}', address)).toBe(202);
    for (const address of addresses) await fill(address);
    expect(await statusOf('{}', '192.0.2.5')).toBe(503);
  });

  it('is 16 MiB from all others, which keep out nobody that a genuine one has come from', async () => {
    expect(await statusOf('{}', '192.0.2.3')).toBe(202);
    isGenuine = false;
    for (const address of ['192.0.2.1', '192.0.2.2']) await fill(address);
    expect(await statusOf('{}', '192.0.2.5')).toBe(503);
    isGenuine = true;
    expect(await statusOf('{}', '192.0.2.3')).toBe(202);
  });

  it('counts as long as it really is, once it has come', async () => {
    let go = () => undefined as void;
    const wait = new Promise<void>((resolve) => (go = resolve));
    gateway.bus.answers['connection.webhook'] = () => wait.then(() => ({ accepted: true, duplicate: false }));
    const chunked: Promise<string>[] = [];
    for (let count = 1; count <= 9; count++) {
      const { socket, answer } = announce('chunked');
      socket.write('2\r\n{}\r\n0\r\n\r\n');
      chunked.push(answer);
      await allUnderWay(count);
    }
    go();
    for (const answer of await Promise.all(chunked)) expect(answer).toMatch(/^HTTP\/1\.1 202 /);
  });

  it('is forgotten of a connection that breaks, also of what was sent behind another request', async () => {
    gateway.bus.answers['connection.webhook'] = ({ context }) =>
      context.address === '192.0.2.9' ? new Promise(() => undefined) : { accepted: true, duplicate: false };
    const first = `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.9\r\nContent-Length: 0\r\n\r\n`;
    for (let count = 1; count < 8; count++) announce(MIB);
    const { socket } = announce(MIB, '192.0.2.1', first);
    await until(statusOf, (status) => status === 503);
    socket.destroy();
    // Sooner than the others end because nothing more comes of them.
    await until(statusOf, (status) => status === 202, 10_000);
  });
});

describe('refused deliveries', () => {
  const refuse = async (url?: string) => {
    isGenuine = false;
    for (let count = 0; count < 300; count++) expect(await statusOf('{}', '192.0.2.1', url)).toBe(401);
    isGenuine = true;
  };

  it('are 300 a minute from one network; further ones are a 429 before they are read', async () => {
    await refuse();
    expect(await announce(10).answer).toMatch(/^HTTP\/1\.1 429 [^]*\r\nretry-after: \d+\r\n/);
    expect(asked().length).toBe(300);
    expect(await statusOf('{}', '198.51.100.1')).toBe(202);
  });

  it('count also where they were refused before they were read', async () => {
    isExpected = false;
    const large = 'x'.repeat(64 * 1024 + 1);
    for (let count = 0; count < 300; count++) expect(await statusOf(large)).toBe(401);
    expect(await statusOf()).toBe(429);
  });

  it('count also where they broke off before they were whole', async () => {
    const breakOff = () =>
      new Promise((resolve) => {
        const { socket } = announce(10);
        socket.write('{', () => socket.destroy());
        socket.once('close', resolve);
      });
    isGenuine = false;
    // The refused ones in between would take 15 s to be 300.
    await until(
      () => Promise.all(Array.from({ length: 8 }, breakOff)).then(() => statusOf()),
      (status) => status === 429,
      12_000,
    );
  });

  it('keep nothing from a connection for which a genuine one has come from there', async () => {
    expect(await statusOf()).toBe(202);
    await refuse('/v1/webhooks/stripe/conn_0000000000000000000001');
    expect([await statusOf(), await statusOf('{}', '192.0.2.1', '/v1/webhooks/teller')]).toEqual([202, 429]);
  });
});
