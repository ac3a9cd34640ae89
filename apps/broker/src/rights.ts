import { covers } from './subjects.js';

/** One user of the bus, from the file that the supervisor writes. */
export interface Account {
  user: string;
  password: string;
  publish: string[];
  subscribe: string[];
}

const replyWithinMs = 120_000;
const maxOpenReplies = 100_000;

/** What one client may do. A request it has received lets it publish one message to the reply subject within two minutes. */
export function rightsOf(account: Account, now: () => number = () => performance.now()) {
  /** Reply subject → when the right to use it ends; the oldest stands first. */
  const replies = new Map<string, number>();

  const dropOldReplies = () => {
    for (const [subject, until] of replies) {
      if (until > now() && replies.size <= maxOpenReplies) return;
      replies.delete(subject);
    }
  };
  const mayReply = (subject: string) => {
    const until = replies.get(subject);
    replies.delete(subject);
    return until !== undefined && until > now();
  };

  return {
    mayPublish: (subject: string) => account.publish.some((allowed) => covers(allowed, subject)) || mayReply(subject),
    maySubscribe: (subject: string) => account.subscribe.some((allowed) => covers(allowed, subject)),
    /** The client has been sent a request that wants its answer there. */
    expectReply(subject: string): void {
      replies.delete(subject);
      replies.set(subject, now() + replyWithinMs);
      dropOldReplies();
    },
  };
}
export type Rights = ReturnType<typeof rightsOf>;
