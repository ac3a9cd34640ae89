import { type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { isCoded } from '#contracts/errors.js';
import { settleWithin } from '#contracts/time-limit.js';
import { connectToBus } from './bus-connection.js';
import { logger } from './logger.js';
import { WriteCoalescer } from './write-coalescer.js';
import { decodeRequest, type BusRequest } from './request-codec.js';

const GRACE_MS = 200;
/** A provider that a handler has asked takes eight seconds at most; then what it gave is written down. */
const ANSWERED_WITHIN_MS = 10_000;

/**
 * Brings requests from the bus to Nest's controllers and their answers back, in the form of Nest's own NATS transport.
 * That one runs a chain of streams for each request, which costs as much CPU as all the rest of it; this one, a promise.
 */
export class BusServer extends Server implements CustomTransportStrategy {
  private connection: NatsConnection | undefined;
  private readonly writes = new WriteCoalescer();
  private subscriptions: Subscription[] = [];
  private answering = 0;
  private whenQuiet = (): void => undefined;

  /** Replicas that name the same queue share the requests. */
  constructor(private readonly queue: string) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.open().then(() => callback(), callback);
  }

  private async open(): Promise<void> {
    this.connection = await connectToBus();
    const { connection, queue } = this;
    this.subscriptions = [...this.messageHandlers].map(([subject, handler]) =>
      connection.subscribe(subject, {
        queue,
        callback: (error, message) => void (error ? logger.error(error, subject) : this.answer(handler, message)),
      }),
    );
  }

  private async answer(handler: MessageHandler, message: Msg): Promise<void> {
    this.answering++;
    const answer = await answerTo(handler, message);
    this.writes.add(() => {
      try {
        message.respond(answer);
      } catch (error) {
        logger.error(error, `${message.subject} could not be answered`);
      }
      if (--this.answering === 0) this.whenQuiet();
    });
  }

  /** What has arrived is still answered: what a handler is about may exist nowhere else until it is written down. */
  async close(): Promise<void> {
    if (!this.connection) return;
    await settleWithin(Promise.allSettled(this.subscriptions.map((subscription) => subscription.drain())), GRACE_MS);
    await settleWithin(this.quiet(), ANSWERED_WITHIN_MS);
    await settleWithin(this.connection.drain(), GRACE_MS);
    await this.connection.close();
  }

  private quiet(): Promise<void> {
    return new Promise((resolve) => {
      this.whenQuiet = resolve;
      if (this.answering === 0) resolve();
    });
  }

  on(): void {
    throw new Error('nobody listens for events of the bus here');
  }

  unwrap<T>(): T {
    return this.connection as T;
  }
}

/** RpcErrorFilter has made a failure into an observable that throws the refusal; nothing else is expected here. */
async function answerTo(handler: MessageHandler, message: Msg): Promise<string> {
  try {
    const answer: unknown = await handler(decodeRequest(message.json<BusRequest>()));
    return JSON.stringify({ response: isObservable(answer) ? await lastValueFrom(answer) : answer });
  } catch (err) {
    if (!isCoded(err)) logger.error(err, message.subject);
    return JSON.stringify({ err });
  }
}
