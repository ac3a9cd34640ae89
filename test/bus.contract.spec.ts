import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { connect, headers, type Msg, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import { inboxPrefix } from '#contracts/bus-users.js';
import type { Context } from '#contracts/envelope.js';
import { Bus } from '#service/bus.js';
import { connectToBus } from '#service/bus-connection.js';
import { busOptions } from '#service/bus-options.js';
import { BusServer } from '#service/bus-server.js';
import { logger } from '#service/logger.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { busServer, type BusServerKind, maxPayloadBytes, realServerInstalled } from './bus-servers.js';

const password = 'a-test-password';
const account = (user: string, publish: string[], subscribe: string[]) => ({
  user,
  password,
  publish,
  subscribe: [...subscribe, `${inboxPrefix(user)}.>`],
});
const accounts = [
  account('gateway', ['key.>', 'quiet.>'], ['gateway.>']),
  account('key', ['gateway.>'], ['key.>']),
  account('listener', [], ['quiet.*', 'key.>']),
];

if (!realServerInstalled) {
  const message = 'nats-server is not installed: the contract of the bus cannot be shown on the real server';
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`\n*** SKIPPED: ${message} ***\n`);
}

const kinds: [BusServerKind, number][] = [
  ['nats-server', 31_422],
  ['the embedded broker', 31_423],
];

for (const [kind, port] of kinds) {
  const describeKind = kind === 'nats-server' && !realServerInstalled ? describe.skip : describe;
  describeKind(`the bus on ${kind}`, () => {
    const server = busServer(kind, port, accounts);
    const connections: NatsConnection[] = [];
    const sockets: Socket[] = [];

    beforeAll(() => server.up());
    afterAll(() => server.down());
    afterEach(async () => {
      jest.restoreAllMocks();
      await Promise.all(connections.splice(0).map((connection) => connection.close()));
      sockets.splice(0).forEach((socket) => socket.destroy());
    });

    /** A client as every service has one. */
    async function client(user: string): Promise<NatsConnection> {
      const env = { NATS_URL: `nats://127.0.0.1:${port}`, NATS_USER: user, NATS_PASSWORD: password };
      const connection = await connect(busOptions(env));
      connections.push(connection);
      return connection;
    }

    /** Answers every request on the subject with `answer`. */
    async function responder(subject: string, answer: (message: Msg) => string | Uint8Array, queue?: string) {
      const key = await client('key');
      key.subscribe(subject, { queue, callback: (_error, message) => void message.respond(answer(message)) });
      await key.flush();
      return key;
    }

    /** A bare connection, for what no well-behaved client would send, and all it hears. */
    function wire(user: string, pass = password) {
      const socket = connectSocket({ port, host: '127.0.0.1' });
      sockets.push(socket);
      let heard = '';
      socket.on('data', (chunk) => (heard += chunk.toString('latin1'))).on('error', () => undefined);
      const closed = once(socket, 'close');
      const options = { user, pass, verbose: false, pedantic: false, headers: true, no_responders: true };
      socket.write(`CONNECT ${JSON.stringify(options)}\r\n`);
      /** Waits for a text, and takes it with all before it out of what was heard. */
      const hears = async (text: string) => {
        for (const deadline = Date.now() + 3000; !heard.includes(text); await sleep(5)) {
          if (Date.now() > deadline) throw new Error(`expected ${text}, heard ${heard}`);
        }
        const upTo = heard.indexOf(text) + text.length;
        const taken = heard.slice(0, upTo);
        heard = heard.slice(upTo);
        return taken;
      };
      return { socket, closed, hears };
    }

    it('carries a request and its reply, with headers', async () => {
      await responder('key.verify', (message) => `${message.headers?.get('trace')}:${message.string()}`);
      const trace = headers();
      trace.set('trace', 'héllo');
      const reply = await (await client('gateway')).request('key.verify', 'abc', { headers: trace, timeout: 1000 });
      expect(reply.string()).toBe('héllo:abc');
    });

    it('keeps the order and the bytes of many messages', async () => {
      const gateway = await client('gateway');
      const seen: number[] = [];
      gateway.subscribe('gateway.*.done', { callback: (_error, message) => void seen.push(Number(message.string())) });
      await gateway.flush();
      const key = await client('key');
      for (let n = 0; n < 2000; n++) key.publish('gateway.work.done', String(n));
      await key.flush();
      await gateway.flush();
      expect(seen).toEqual(Array.from({ length: 2000 }, (_, n) => n));
    });

    it('matches wildcards as NATS does', async () => {
      const gateway = await client('gateway');
      const seen: string[] = [];
      for (const pattern of ['gateway.>', 'gateway.*', 'gateway.*.c', 'gateway.a.c']) {
        gateway.subscribe(pattern, { callback: (_error, message) => void seen.push(`${pattern} ${message.subject}`) });
      }
      await gateway.flush();
      const key = await client('key');
      ['gateway.a', 'gateway.a.c', 'gateway.a.c.d'].forEach((subject) => key.publish(subject));
      await key.flush();
      await gateway.flush();
      expect(seen.sort()).toEqual([
        'gateway.* gateway.a',
        'gateway.*.c gateway.a.c',
        'gateway.> gateway.a',
        'gateway.> gateway.a.c',
        'gateway.> gateway.a.c.d',
        'gateway.a.c gateway.a.c',
      ]);
    });

    it('ends a request at its deadline when nobody answers in time', async () => {
      const key = await client('key');
      key.subscribe('key.slow');
      await key.flush();
      const gateway = await client('gateway');
      const startedAt = Date.now();
      await expect(gateway.request('key.slow', '', { timeout: 300 })).rejects.toThrow('timeout');
      expect(Date.now() - startedAt).toBeGreaterThanOrEqual(290);
      expect(Date.now() - startedAt).toBeLessThan(1000);
    });

    it('says at once that nobody is there', async () => {
      const gateway = await client('gateway');
      const startedAt = Date.now();
      await expect(gateway.request('key.nobody', '', { timeout: 5000 })).rejects.toThrow('no responders');
      expect(Date.now() - startedAt).toBeLessThan(500);
    });

    it('shares the requests of a queue group among its members', async () => {
      await responder('key.share', () => 'one', 'key');
      await responder('key.share', () => 'two', 'key');
      const gateway = await client('gateway');
      const answers = await Promise.all(
        Array.from({ length: 200 }, async () => (await gateway.request('key.share', '', { timeout: 2000 })).string()),
      );
      expect(answers.filter((answer) => answer === 'one').length).toBeGreaterThan(40);
      expect(answers.filter((answer) => answer === 'two').length).toBeGreaterThan(40);
    });

    it('sends the next request to the members that are left', async () => {
      const leaving = await responder('key.share', () => 'leaving', 'key');
      await responder('key.share', () => 'staying', 'key');
      await leaving.close();
      const gateway = await client('gateway');
      for (let n = 0; n < 20; n++) {
        expect((await gateway.request('key.share', '', { timeout: 2000 })).string()).toBe('staying');
      }
    });

    it('ends a subscription after the wanted number of messages', async () => {
      const gateway = await client('gateway');
      const seen: string[] = [];
      gateway.subscribe('gateway.some', { max: 2, callback: (_error, message) => void seen.push(message.string()) });
      await gateway.flush();
      const key = await client('key');
      ['1', '2', '3'].forEach((text) => key.publish('gateway.some', text));
      await key.flush();
      await gateway.flush();
      expect(seen).toEqual(['1', '2']);
    });

    /** A service that answers `key.get`, and who asks for it. */
    async function keyService(handler: (ask: { context: Context }) => Promise<unknown>) {
      const env = (user: string) => ({
        NATS_URL: `nats://127.0.0.1:${port}`,
        NATS_USER: user,
        NATS_PASSWORD: password,
      });
      Object.assign(process.env, env('key'));
      const service = new BusServer('key');
      service.addHandler('key.get', handler);
      await new Promise<void>((resolve) => service.listen(() => resolve()));
      const bus = await new Bus().connect(busOptions(env('gateway')));
      const ask = () => bus.ask('key.get', { context: contextFor(newTenant()), id: 'x' });
      return { service, bus, ask };
    }

    it('lets a service that is stopped answer what has arrived, and keeps one that has nothing to do no longer', async () => {
      let begins!: () => void;
      const begun = new Promise<void>((resolve) => (begins = resolve));
      const { service, bus, ask } = await keyService(() => (begins(), sleep(1_000, 'written down')));
      const asked = ask();
      await begun;
      const stopped = service.close().then(() => performance.now());
      expect(await asked).toBe('written down');
      const answeredAt = performance.now();
      expect((await stopped) - answeredAt).toBeLessThan(2_000);
      await expect(ask()).rejects.toThrow('is not running');
      await bus.onApplicationShutdown();
    });

    it('gives a service as long as its caller waits, also when its clock is wrong', async () => {
      const { service, bus, ask } = await keyService(({ context }) => Promise.resolve(context.deadline - Date.now()));
      const asked = ask();
      const clock = Date.now;
      const wrong = jest.spyOn(Date, 'now').mockImplementation(() => clock() + 300_000);
      const answer = Number(await asked);
      wrong.mockRestore();
      await Promise.all([service.close(), bus.onApplicationShutdown()]);
      expect(answer).toBeGreaterThan(4_000);
      expect(answer).toBeLessThanOrEqual(5_000);
    });

    it('carries 1 MiB', async () => {
      const mebibyte = new Uint8Array(1024 * 1024).map((_, index) => index % 251);
      await responder('key.big', (message) => message.data);
      const reply = await (await client('gateway')).request('key.big', mebibyte, { timeout: 5000 });
      expect(Buffer.from(reply.data).equals(mebibyte)).toBe(true);
    });

    it('hangs up on a message over the limit', async () => {
      expect((await client('gateway')).info?.max_payload).toBe(maxPayloadBytes);
      const { socket, hears, closed } = wire('gateway');
      socket.write(`PUB key.big ${maxPayloadBytes + 1}\r\n`);
      await hears("-ERR 'Maximum Payload Violation'");
      await closed;
    });

    it('refuses who does not sign in', async () => {
      const url = { servers: `nats://127.0.0.1:${port}`, reconnect: false };
      await expect(connect(url)).rejects.toThrow(/authorization violation/i);
      await expect(connect({ ...url, user: 'key', pass: 'wrong' })).rejects.toThrow(/authorization violation/i);
      await expect(connect({ ...url, user: 'nobody', pass: password })).rejects.toThrow(/authorization violation/i);
      const { hears, closed } = wire('key', 'wrong');
      await hears("-ERR 'Authorization Violation'");
      await closed;
    });

    it('hangs up on a silent stranger', async () => {
      const socket = connectSocket({ port, host: '127.0.0.1' });
      sockets.push(socket);
      socket.resume();
      await once(socket, 'close');
    });

    it('refuses a foreign subject and lets the client go on', async () => {
      const listener = await client('gateway');
      let heard = 0;
      listener.subscribe('gateway.secret', { callback: () => void heard++ });
      await listener.flush();
      const gateway = await client('gateway');
      const refused = gateway.request('gateway.secret', '', { timeout: 2000 }).catch((error: Error) => error.cause);
      expect(await refused).toBeInstanceOf(PermissionViolationError);
      await responder('key.verify', () => 'fine');
      expect((await gateway.request('key.verify', '', { timeout: 2000 })).string()).toBe('fine');
      expect(heard).toBe(0);
    });

    it('names a subject that is refused in the log, once however often it is said', async () => {
      const logged = jest.spyOn(logger, 'error').mockReturnValue();
      const env = { NATS_URL: `nats://127.0.0.1:${port}`, NATS_USER: 'listener', NATS_PASSWORD: password };
      const bus = await new Bus().connect(busOptions(env));
      const denied = ['gateway.written', 'gateway.written', 'connection.vault-keys-changed'];
      await bus.publishAll(denied.map((subject) => ({ subject, data: {} })));
      const lines = () => logged.mock.calls.map(([error]) => (error as Error).message);
      for (const deadline = Date.now() + 3000; lines().length < 2 && Date.now() < deadline;) await sleep(5);
      await bus.onApplicationShutdown();
      expect(lines()).toEqual([
        expect.stringContaining('gateway.written'),
        expect.stringContaining('connection.vault-keys-changed'),
      ]);
    });

    it.each([
      ['PUB gateway.secret 0\r\n\r\n', 'Permissions Violation for Publish to "gateway.secret"'],
      ['PUB _INBOX_key.guess 0\r\n\r\n', 'Permissions Violation for Publish to "_INBOX_key.guess"'],
      ['SUB key.verify 1\r\n', 'Permissions Violation for Subscription to "key.verify"'],
      ['SUB _INBOX_key.> 1\r\n', 'Permissions Violation for Subscription to "_INBOX_key.>"'],
      ['SUB _INBOX.> 1\r\n', 'Permissions Violation for Subscription to "_INBOX.>"'],
      ['SUB *.verify 1\r\n', 'Permissions Violation for Subscription to "*.verify"'],
      ['SUB > 1\r\n', 'Permissions Violation for Subscription to ">"'],
      ['SUB key.verify workers 1\r\n', 'Permissions Violation for Subscription to "key.verify" using queue "workers"'],
      ['SUB gateway..x 1\r\n', 'Permissions Violation for Subscription to "gateway..x"'],
      ['SUB gateway.>.x 1\r\n', 'Invalid Subject'],
    ])('words the refusal of %j as the real server does, and stays', async (line, refusal) => {
      const { socket, hears } = wire('gateway');
      socket.write(line);
      await hears(`-ERR '${refusal}'\r\n`);
      socket.write('PING\r\n');
      expect(await hears('PONG\r\n')).toBe('PONG\r\n');
    });

    it.each([
      ['HELLO\r\n', 'Unknown Protocol Operation'],
      [`PUB ${'k'.repeat(5000)} 0\r\n`, 'maximum control line exceeded'],
    ])('hangs up on nonsense %#', async (line, refusal) => {
      const { socket, hears, closed } = wire('gateway');
      socket.write(line);
      await hears(`-ERR '${refusal}'`);
      await closed;
    });

    it('lets a user without a subject of its own publish nothing', async () => {
      const { socket, hears } = wire('listener');
      socket.write('PUB quiet.word 0\r\n\r\n');
      await hears('-ERR \'Permissions Violation for Publish to "quiet.word"\'');
    });

    it('lets a service answer each request once, and nothing unasked', async () => {
      const { socket, hears } = wire('listener');
      socket.write('SUB quiet.question 1\r\nPUB _INBOX_gateway.x 0\r\n\r\n');
      await hears('Permissions Violation for Publish to "_INBOX_gateway.x"');
      const gateway = await client('gateway');
      const answer = gateway.request('quiet.question', 'how?', { timeout: 2000 });
      const reply = /MSG quiet\.question 1 (\S+) 4/.exec(await hears('how?'))![1]!;
      socket.write(`PUB ${reply} 2\r\nso\r\nPUB ${reply} 5\r\nagain\r\n`);
      expect((await answer).string()).toBe('so');
      await hears(`Permissions Violation for Publish to "${reply}"`);
    });

    it('drops a consumer that is too slow, and nobody else', async () => {
      const slow = wire('gateway');
      slow.socket.write('SUB gateway.flood 1\r\nPING\r\n');
      await slow.hears('PONG');
      slow.socket.pause();
      const gateway = await client('gateway');
      const key = await client('key');
      const chunk = new Uint8Array(512 * 1024);
      for (let sent = 0; sent < 64; sent++) {
        key.publish('gateway.flood', chunk);
        await key.flush();
      }
      slow.socket.resume();
      await slow.closed;
      await gateway.flush();
    });

    /** Asks until somebody answers, for at most 5 s, and says how long that took. */
    async function untilAnswered(gateway: NatsConnection) {
      const began = Date.now();
      const ask = () => gateway.request('key.verify', '', { timeout: 250 }).then((reply) => reply.string());
      let answer: string | undefined;
      while (answer === undefined && Date.now() - began < 5000) {
        answer = await ask().catch(() => sleep(20).then(() => undefined));
      }
      return { answer, ms: Date.now() - began };
    }

    it('tells a service at its start that it may not sign in', async () => {
      const env = { NATS_URL: `nats://127.0.0.1:${port}`, NATS_USER: 'key', NATS_PASSWORD: 'wrong' };
      await expect(connectToBus(busOptions(env))).rejects.toThrow(/authorization violation/i);
    });

    /** A while in which the broker takes nobody for who they are, as with a wrong file of accounts. */
    async function refuseEverybody(until: () => Promise<unknown>): Promise<void> {
      const strangers = busServer(
        kind,
        port,
        accounts.map((one) => ({ ...one, password: 'another' })),
      );
      await server.down();
      await strangers.up();
      await until();
      await strangers.down();
      await server.up();
    }

    it('has its clients back after it refused them, however often', async () => {
      const key = await responder('key.verify', () => 'back');
      await refuseEverybody(async () => {
        let refusals = 0;
        for await (const { type } of key.status()) if (type === 'error' && ++refusals === 3) return;
      });
      const gateway = await client('gateway');
      expect(await untilAnswered(gateway)).toMatchObject({ answer: 'back' });
    });

    it('ends a process whose connection is given up', async () => {
      const script = `
        const { connectToBus } = require('./dist/libs/service/src/bus-connection.js');
        const { busOptions } = require('./dist/libs/service/src/bus-options.js');
        connectToBus({ ...busOptions(), ignoreAuthErrorAbort: false }).then(() => console.log('connected'));`;
      const env = { ...process.env, NATS_URL: `nats://127.0.0.1:${port}`, NATS_USER: 'key', NATS_PASSWORD: password };
      const child = spawn(process.execPath, ['-e', script], { cwd: join(__dirname, '..'), env });
      const exit = once(child, 'exit');
      await once(child.stdout, 'data');
      await refuseEverybody(() => exit);
      expect(await exit).toEqual([1, null]);
    });

    it('is whole again within 2 s after an outage: clients, subscriptions and all', async () => {
      await responder('key.verify', () => 'back');
      const gateway = await client('gateway');
      await server.down();
      await sleep(Number(process.env.BUS_OUTAGE_MS ?? 4000));
      await server.up();
      const { answer, ms } = await untilAnswered(gateway);
      expect(answer).toBe('back');
      expect(ms).toBeLessThan(2000);
    });

    it('is whole again, too, when somebody took the connections meanwhile and said nothing', async () => {
      await responder('key.verify', () => 'back');
      const gateway = await client('gateway');
      await server.down();
      const silent = createServer((socket) => void sockets.push(socket)).listen(port, '127.0.0.1');
      for (let taken = 0; taken < 2; taken++) await once(silent, 'connection');
      silent.close();
      await server.up();
      expect(await untilAnswered(gateway)).toMatchObject({ answer: 'back' });
    });
  });
}
