import { connect, type NatsConnection, RequestError, type Subscription } from '@nats-io/transport-node';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Announcements, Ask, Reply, Subject } from '#contracts/subjects.js';
import { DomainError, isCoded } from '#contracts/errors.js';
import { busOptions } from './bus-options.js';

const DEADLINE_MS = 4_500;

/** The form in which Nest's transport wraps a request and its answer. */
interface Answer {
  response?: unknown;
  err?: unknown;
}

/** The way out of a process: a typed request, one reply, one deadline. All requests share one inbox. */
@Injectable()
export class Bus implements OnApplicationShutdown {
  private connection: NatsConnection | undefined;

  async connect(): Promise<this> {
    this.connection = await connect(busOptions());
    return this;
  }

  /** Is the broker there at this moment? */
  async alive(): Promise<boolean> {
    if (!this.connection) return false;
    return Promise.race([
      this.connection.rtt().then(
        () => true,
        () => false,
      ),
      new Promise<boolean>((resolve) => setTimeout(resolve, 1_000, false).unref()),
    ]);
  }

  /** Refusals arrive as DomainError; nobody there, no answer in time or no broker is UNAVAILABLE. */
  async ask<S extends Subject>(subject: S, payload: Ask<S>, timeoutMs = DEADLINE_MS): Promise<Reply<S>> {
    const answer = await this.request(subject, payload, timeoutMs);
    if (answer.err === undefined || answer.err === null) return answer.response as Reply<S>;
    if (isCoded(answer.err)) throw new DomainError(answer.err.code, answer.err.message, answer.err.details);
    throw new Error(`${subject} failed: ${JSON.stringify(answer.err)}`);
  }

  private async request(subject: Subject, data: unknown, timeout: number): Promise<Answer> {
    if (!this.connection) throw new DomainError('UNAVAILABLE');
    try {
      const reply = await this.connection.request(subject, JSON.stringify({ pattern: subject, data, id: '1' }), {
        timeout,
      });
      return reply.json<Answer>();
    } catch (error) {
      throw unavailable(subject, error);
    }
  }

  announce<S extends keyof Announcements>(subject: S, payload: Announcements[S]): void {
    this.connection?.publish(subject, JSON.stringify(payload));
  }

  /** Calls back for every announcement; `reply` answers who asked, if somebody did. */
  listen<S extends keyof Announcements>(
    subject: S,
    callback: (payload: Announcements[S], reply: (data: unknown) => void) => void,
  ): Subscription | undefined {
    return this.connection?.subscribe(subject, {
      callback: (error, message) => {
        if (!error) callback(message.json<Announcements[S]>(), (data) => message.respond(JSON.stringify(data)));
      },
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.connection?.close();
  }
}

function unavailable(subject: string, cause: unknown): DomainError {
  const nobody = cause instanceof RequestError && cause.isNoResponders();
  const error = new DomainError(
    'UNAVAILABLE',
    `${subject.split('.')[0]} ${nobody ? 'is not running' : 'did not answer in time'}; try again.`,
  );
  error.cause = cause;
  return error;
}
