import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { WriteCoalescer } from './write-coalescer.js';

/** Why a request got no answer. */
export class Unanswered extends Error {
  constructor(
    message: string,
    /** Nobody listens there, as the broker says at once. */
    readonly nobody = false,
  ) {
    super(message);
  }
}

interface Waiting {
  resolve: (answer: Msg) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

/**
 * Sends requests over one connection, whose answers come to one inbox. The library's own `request` records the stack of each
 * one in case it fails, up to three times, which costs more than twice as much CPU as all the rest of it.
 */
export class RequestMultiplexer {
  private readonly inbox: string;
  private readonly waiting = new Map<string, Waiting>();
  private readonly writes = new WriteCoalescer();
  private last = 0;

  constructor(
    private readonly connection: NatsConnection,
    inboxPrefix?: string,
  ) {
    this.inbox = createInbox(inboxPrefix);
    connection.subscribe(`${this.inbox}.*`, { callback: (error, answer) => void (error ?? this.hear(answer)) });
    void connection.closed().then(() => this.giveUp());
  }

  /** Rejects with Unanswered, or with what the connection has to say. */
  ask(subject: string, payload: string, timeoutMs: number): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const token = String(++this.last);
      const timer = setTimeout(() => this.fail(token, new Unanswered(`no answer within ${timeoutMs} ms`)), timeoutMs);
      this.waiting.set(token, { resolve, reject, timer });
      this.writes.add(() => this.publish(subject, payload, token));
    });
  }

  private publish(subject: string, payload: string, token: string): void {
    try {
      this.connection.publish(subject, payload, { reply: `${this.inbox}.${token}` });
    } catch (error) {
      this.fail(token, error as Error);
    }
  }

  private hear(answer: Msg): void {
    const token = answer.subject.slice(this.inbox.length + 1);
    if (saysNobody(answer)) this.fail(token, new Unanswered('nobody listens', true));
    else this.take(token)?.resolve(answer);
  }

  private giveUp(): void {
    for (const token of this.waiting.keys()) this.fail(token, new Unanswered('the connection was closed'));
  }

  private fail(token: string, error: Error): void {
    this.take(token)?.reject(error);
  }

  private take(token: string): Waiting | undefined {
    const asker = this.waiting.get(token);
    this.waiting.delete(token);
    clearTimeout(asker?.timer);
    return asker;
  }
}

/** The broker itself answers with an empty message and status 503 when nobody listens. */
const saysNobody = ({ data, headers }: { data: Uint8Array; headers?: MsgHdrs }): boolean =>
  data.length === 0 && headers?.code === 503;
