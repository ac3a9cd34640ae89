import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Client } from './client.js';
import { type ConnectOptions, createParser, type Operation, ProtocolError } from './protocol.js';
import { type Account, rightsOf } from './rights.js';
import { createRouter } from './router.js';
import { isSubject } from './subjects.js';

export interface BrokerOptions {
  host: string;
  port: number;
  accounts: Account[];
  maxPayloadBytes: number;
  /** A client that has more than this waiting is too slow and is cut off. */
  maxPendingBytes: number;
}

const signInWithinMs = 2000;
const pingEveryMs = 5_000;
const maxUnansweredPings = 2;

/**
 * NATS core in one process: the protocol, the permissions and the refusals of nats-server, for a machine that has none.
 * No cluster, no JetStream, no TLS: for development. The contract spec of the bus holds it to the real server.
 */
export async function startBroker(options: BrokerOptions) {
  const serverId = randomBytes(16).toString('hex');
  const router = createRouter();
  const sockets = new Set<Socket>();
  let connections = 0;

  const server = createServer((socket) => {
    sockets.add(socket.setNoDelay(true));
    const client = new Client(socket, options.maxPendingBytes);
    const { port } = server.address() as AddressInfo;
    client.send(greeting({ ...options, port, serverId, clientId: ++connections }));
    const timers = keepWatch(client);
    const parse = createParser(options.maxPayloadBytes);
    socket.on('data', (chunk) => {
      try {
        for (const operation of parse(chunk)) perform(client, operation);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        socket.pause().removeAllListeners('data');
        client.hangUp(error.message);
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      timers.stop();
      sockets.delete(socket);
      for (const subscription of client.subscriptions.values()) router.remove(subscription);
    });
  });

  function perform(client: Client, operation: Operation): void {
    if (operation.op === 'CONNECT') signIn(client, operation.options);
    else if (operation.op === 'PING') client.send('PONG\r\n');
    else if (operation.op === 'PONG') client.unansweredPings = 0;
    else if (!client.rights) throw new ProtocolError('Authorization Violation');
    else if (operation.op === 'PUB') publish(client, operation);
    else if (operation.op === 'SUB') subscribe(client, operation);
    else unsubscribe(client, operation);
    if (client.options.verbose && operation.op !== 'PING' && operation.op !== 'PONG') client.send('+OK\r\n');
  }

  function signIn(client: Client, connect: ConnectOptions): void {
    const account = options.accounts.find(
      ({ user, password }) => user === connect.user && same(password, connect.pass),
    );
    if (!account) throw new ProtocolError('Authorization Violation');
    client.options = connect;
    client.rights = rightsOf(account);
  }

  function publish(client: Client, message: Extract<Operation, { op: 'PUB' }>): void {
    if (client.rights?.mayPublish(message.subject)) router.route(client, message);
    else client.refuse(`Permissions Violation for Publish to "${message.subject}"`);
  }

  function subscribe(client: Client, { subject, queue, sid }: Extract<Operation, { op: 'SUB' }>): void {
    if (!client.rights?.maySubscribe(subject)) {
      const using = queue === undefined ? '' : ` using queue "${queue}"`;
      client.refuse(`Permissions Violation for Subscription to "${subject}"${using}`);
    } else if (!isSubject(subject)) client.refuse('Invalid Subject');
    else router.add({ client, sid, subject, queue, delivered: 0, max: 0 });
  }

  function unsubscribe(client: Client, { sid, max }: Extract<Operation, { op: 'UNSUB' }>): void {
    const subscription = client.subscriptions.get(sid);
    if (!subscription) return;
    if (max > subscription.delivered) subscription.max = max;
    else router.remove(subscription);
  }

  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(options.port, options.host, resolve),
  );
  return {
    port: (server.address() as AddressInfo).port,
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Greeting extends BrokerOptions {
  serverId: string;
  clientId: number;
}

function greeting({ serverId, clientId, host, port, maxPayloadBytes }: Greeting): string {
  const info = {
    server_id: serverId,
    server_name: 'latchkey-broker',
    version: '2.9.10+latchkey',
    proto: 1,
    host,
    port,
    headers: true,
    auth_required: true,
    max_payload: maxPayloadBytes,
    client_id: clientId,
  };
  return `INFO ${JSON.stringify(info)} \r\n`;
}

/** Cuts off who does not sign in, and who answers no pings any more. */
function keepWatch(client: Client) {
  const signIn = setTimeout(() => {
    if (!client.rights) client.hangUp('Authentication Timeout');
  }, signInWithinMs);
  const ping = setInterval(() => {
    if (client.unansweredPings++ >= maxUnansweredPings) client.hangUp('Stale Connection');
    else client.send('PING\r\n');
  }, pingEveryMs);
  return {
    stop() {
      clearTimeout(signIn);
      clearInterval(ping);
    },
  };
}

/** Compares in constant time whatever the lengths are. */
function same(password: string, given = ''): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(password), digest(given));
}
