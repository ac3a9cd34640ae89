/** What one user of the bus may send and listen to; NATS wildcards apply. */
export interface BusRights {
  publish: string[];
  subscribe: string[];
}

/** Bigger messages than this are refused by the bus itself. */
export const busMaxPayloadBytes = 4 * 1024 * 1024;

/** Each user hears replies on a prefix of its own, so that no other user can listen in. */
export const inboxPrefix = (user: string) => `_INBOX_${user}`;

/**
 * Who may say what on the bus. Every user may besides listen to its own inbox and, for one message, answer a request
 * it has received. The configuration of the real server and of the embedded broker are both made from this table.
 */
export const busUsers: Record<string, BusRights> = {
  gateway: {
    publish: ['key.>', 'connection.>', 'link-session.>', 'audit.>', 'gateway.written'],
    subscribe: ['gateway.>'],
  },
  key: { publish: ['gateway.>'], subscribe: ['key.>'] },
  /** These two say only what they ask of each other: whoever held one of them could else delete users and erase what the other has. */
  connection: {
    publish: [
      'link-session.page',
      'link-session.attempt.start',
      'link-session.attempt.claim',
      'link-session.attempt.refuse',
      'link-session.attempt.settle',
      'link-session.user-deleted',
      'connection.vault-keys-changed',
    ],
    subscribe: ['connection.>'],
  },
  'link-session': {
    publish: ['connection.read', 'connection.user.exists', 'connection.providers', 'key.project.get'],
    subscribe: ['link-session.>'],
  },
  audit: {
    publish: ['connection.text.open', 'link-session.text.open', 'events.>'],
    subscribe: ['audit.>'],
  },
  /** Services of your own that want to know what happens. */
  subscriber: { publish: [], subscribe: ['events.>'] },
  /**
   * The command line without a key may make projects, the first key and an operator's new password, and replay views. Whoever
   * may read the run file may do more: it holds the password of every user here, and the URLs of the databases.
   */
  cli: { publish: ['key.create', 'key.project.>', 'key.operator.password-link', '*.replay.*'], subscribe: [] },
};
