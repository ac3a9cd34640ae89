import {
  createInbox,
  type Msg,
  type NatsConnection,
  type NodeConnectionOptions,
  type Subscription,
} from '@nats-io/transport-node';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Announcements, Ask, Reply, Subject } from '#contracts/subjects.js';
import { DomainError, isCoded } from '#contracts/errors.js';
import { rejectAfter } from '#contracts/time-limit.js';
import { connectToBus } from './bus-connection.js';
import { busOptions } from './bus-options.js';
import { logger } from './logger.js';
import { encodeRequest } from './request-codec.js';
import { RequestMultiplexer, Unanswered } from './request-multiplexer.js';

const DEADLINE_MS = 4_500;
/** A flush waits for the broker for as long as it is away. */
const CONFIRM_MS = 2_000;
const MOST_REPORTED = 100;

/** The form in which Nest's transport wraps a request and its answer. */
interface Answer {
  response?: unknown;
  err?: unknown;
}

/** The way out of a process: a typed request, one reply, one deadline. All requests share one inbox. */
@Injectable()
export class Bus implements OnApplicationShutdown {
  private connection: NatsConnection | undefined;
  private requests: RequestMultiplexer | undefined;
  private inboxPrefix: string | undefined;
  private onLost: (() => void)[] = [];

  async connect(options: NodeConnectionOptions = busOptions()): Promise<this> {
    this.connection = await connectToBus(options);
    this.inboxPrefix = options.inboxPrefix;
    this.requests = new RequestMultiplexer(this.connection, options.inboxPrefix);
    void this.watch(this.connection);
    return this;
  }

  private async watch(connection: NatsConnection): Promise<void> {
    const refused = new Set<string>();
    for await (const status of connection.status()) {
      if (status.type === 'error') reportOnce(status.error, refused);
      if (status.type === 'reconnect') refused.clear();
      if (status.type === 'disconnect' || status.type === 'reconnect') for (const callback of this.onLost) callback();
    }
  }

  /** Calls back when the connection is lost, even for an instant, and when it is back: announcements were missed. */
  onDisconnect(callback: () => void): void {
    this.onLost.push(callback);
  }

  /** Is the broker there at this moment? */
  async alive(): Promise<boolean> {
    if (!this.connection) return false;
    return rejectAfter(this.connection.rtt(), 1_000).then(
      () => true,
      () => false,
    );
  }

  /** What the broker of the connection calls its version. */
  get serverVersion(): string | undefined {
    return this.connection?.info?.version;
  }

  /** Refusals arrive as DomainError; nobody there, no answer in time or no broker is UNAVAILABLE. */
  async ask<S extends Subject>(subject: S, payload: Ask<S>, timeoutMs = DEADLINE_MS): Promise<Reply<S>> {
    const answer = await this.request(subject, payload, timeoutMs);
    if (answer.err === undefined || answer.err === null) return answer.response as Reply<S>;
    if (isCoded(answer.err)) throw new DomainError(answer.err.code, answer.err.message, answer.err.details);
    throw new Error(`${subject} failed: ${JSON.stringify(answer.err)}`);
  }

  private async request(subject: Subject, data: object, timeout: number): Promise<Answer> {
    if (!this.requests) throw new DomainError('UNAVAILABLE');
    try {
      const reply = await this.requests.ask(subject, encodeRequest(subject, data), timeout);
      return reply.json<Answer>();
    } catch (error) {
      throw unavailable(subject, error);
    }
  }

  /**
   * Says something to every listener. Resolves when the broker has it, so that a later message stands behind it;
   * `onAnswer` is called for each answer until `stop`.
   */
  async broadcast<S extends keyof Announcements>(
    subject: S,
    payload: Announcements[S]['say'],
    onAnswer?: (answer: Announcements[S]['answer']) => void,
  ): Promise<{ stop(): void }> {
    if (!this.connection) throw new DomainError('UNAVAILABLE');
    const reply = createInbox(this.inboxPrefix);
    const answers = onAnswer && this.connection.subscribe(reply, { callback: heard(onAnswer) });
    this.connection.publish(subject, JSON.stringify(payload), answers && { reply });
    try {
      await rejectAfter(this.connection.flush(), CONFIRM_MS);
    } catch (error) {
      answers?.unsubscribe();
      throw unavailable(subject, error);
    }
    return { stop: () => answers?.unsubscribe() };
  }

  /** Says something to every listener and waits for nobody, not even for the broker to have it. */
  broadcastUnconfirmed<S extends keyof Announcements>(subject: S, payload: Announcements[S]['say']): void {
    this.connection?.publish(subject, JSON.stringify(payload));
  }

  /** Says these to whoever listens, in order; resolves when the broker has all of them. */
  async publishAll(messages: { subject: string; data: object }[]): Promise<void> {
    if (!this.connection) throw new DomainError('UNAVAILABLE');
    for (const { subject, data } of messages) this.connection.publish(subject, JSON.stringify(data));
    await rejectAfter(this.connection.flush(), CONFIRM_MS);
  }

  /** Calls back for every announcement; `answer` reaches who made it, if somebody listens for answers. */
  listen<S extends keyof Announcements>(
    subject: S,
    callback: (payload: Announcements[S]['say'], answer: (data: Announcements[S]['answer']) => void) => void,
  ): Subscription | undefined {
    return this.connection?.subscribe(subject, {
      callback: (error, message) => {
        if (!error) callback(message.json(), (data) => message.respond(JSON.stringify(data)));
      },
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection?.close();
  }
}

/** A broker whose rights are those of another version refuses a subject each time: one line for each connection is enough. */
function reportOnce(error: Error, reported: Set<string>): void {
  if (reported.has(error.message) || reported.size >= MOST_REPORTED) return;
  reported.add(error.message);
  logger.error(error, 'the bus refuses what is said to it; are its rights those of this version?');
}

/** The broker itself answers with an empty message when nobody listens: that is no answer. */
const heard =
  <A>(onAnswer: (answer: A) => void) =>
  (error: Error | null, message: Msg): void => {
    if (!error && message.data.length > 0) onAnswer(message.json<A>());
  };

function unavailable(subject: string, cause: unknown): DomainError {
  const nobody = cause instanceof Unanswered && cause.nobody;
  const message = `${subject.split('.')[0]} ${nobody ? 'is not running' : 'did not answer in time'}; try again.`;
  return new DomainError('UNAVAILABLE', message, undefined, { cause });
}
