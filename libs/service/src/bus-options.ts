import { inboxPrefix } from '#contracts/bus-users.js';

/**
 * How every client of the bus connects. The library gives up after ten attempts by default and then stays deaf for
 * ever, and so it does when it is refused twice in its life; these options keep trying four times a second, give up an
 * attempt that is not answered, and notice a silent connection within 20 s.
 */
export function busOptions(env: NodeJS.ProcessEnv = process.env) {
  const user = env.NATS_USER ?? '';
  return {
    servers: env.NATS_URL ?? 'nats://127.0.0.1:4222',
    user,
    pass: env.NATS_PASSWORD ?? '',
    name: user,
    inboxPrefix: inboxPrefix(user),
    maxReconnectAttempts: -1,
    ignoreAuthErrorAbort: true,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    timeout: 2_000,
    waitOnFirstConnect: true,
    // A gateway tells all gateways of each write, and knows its own.
    noEcho: true,
    // It is given up when a third ping would be due.
    pingInterval: 6_000,
    maxPingOut: 2,
  };
}
