import { busMaxPayloadBytes, busUsers, inboxPrefix } from '#contracts/bus-users.js';

/** One user of the bus with everything a server has to know about it. */
export interface BusAccount {
  user: string;
  password: string;
  publish: string[];
  subscribe: string[];
}

/** The table of users, completed by passwords and by each user's own inbox. */
export function busAccounts(passwordOf: (user: string) => string): BusAccount[] {
  return Object.entries(busUsers).map(([user, { publish, subscribe }]) => ({
    user,
    password: passwordOf(user),
    publish,
    subscribe: [...subscribe, `${inboxPrefix(user)}.>`],
  }));
}

/** The environment variable that holds a user's password where the bus is not the supervisor's own. */
export const busPasswordVariable = (user: string) => `NATS_PASSWORD_${user.toUpperCase().replaceAll('-', '_')}`;

/** `$NAME` lets nats-server read the password from its environment; everything else is a quoted string. */
const literal = (password: string) => (password.startsWith('$') ? password : JSON.stringify(password));

/**
 * The configuration file of nats-server. Users without a subject to publish on may still reply. Where `monitor` is, it tells
 * everybody, without a password, who is connected and what they listen to.
 */
export function natsServerConfig(listen: string, accounts: BusAccount[], monitor?: string): string {
  const users = accounts.map(
    ({ user, password, publish, subscribe }) => `    {
      user: ${JSON.stringify(user)}, password: ${literal(password)}
      permissions: {
        publish: ${JSON.stringify(publish)}
        subscribe: ${JSON.stringify(subscribe)}
        allow_responses: true
      }
    }`,
  );
  return `# Generated from libs/contracts/src/bus-users.ts: change it there.
listen: "${listen}"
${monitor ? `http: "${monitor}"\n` : ''}max_payload: ${busMaxPayloadBytes}
ping_interval: "5s"
ping_max: 2
authorization: {
  users: [
${users.join('\n')}
  ]
}
`;
}
