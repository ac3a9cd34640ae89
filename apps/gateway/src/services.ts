import { Inject, Injectable } from '@nestjs/common';
import type { Context, LastWrite, Position } from '#contracts/envelope.js';
import type { Ask, Reply, Subject } from '#contracts/subjects.js';
import { Bus } from '#service/bus.js';

const MOST_REMEMBERED = 10_000;
/** An answer that was given at the last moment still has to come back. */
const WAY_BACK_MS = 500;

/** Questions whose answer says where in the event store the change stands. */
type Write = { [S in Subject]: Reply<S> extends { position: Position } ? S : never }[Subject];
/** Questions that can wait for a change to be visible. */
type Read = {
  [S in Subject]: Ask<S> extends { context: Context } ? ('after' extends keyof Ask<S> ? S : never) : never;
}[Subject];

/**
 * Asks the services so that each API key sees its own writes: remembers the newest position its writes reached at each
 * service, through whichever gateway, and lets its later reads there wait for it.
 */
@Injectable()
export class Services {
  private readonly newest = new Map<string, Position>();

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  /** Begins to hear of writes through other gateways, once the bus is connected. */
  start(): void {
    this.bus.listen('gateway.written', (write) => this.learn(write));
  }

  async write<S extends Write>(subject: S, ask: Ask<S>): Promise<Reply<S>> {
    const reply = await this.bus.ask(subject, ask, timeLeft(ask));
    const write = { actor_id: ask.context.actor.id, service: serviceOf(subject), position: reply.position };
    this.learn(write);
    // Before the caller has its answer: it may ask another gateway next.
    this.bus.broadcastUnconfirmed('gateway.written', write);
    return reply;
  }

  read<S extends Read>(subject: S, ask: Ask<S>): Promise<Reply<S>> {
    const after = this.newest.get(`${ask.context.actor.id}:${serviceOf(subject)}`);
    return this.bus.ask(subject, after === undefined ? ask : { ...ask, after }, timeLeft(ask));
  }

  private learn({ actor_id, service, position }: LastWrite): void {
    this.note(`${actor_id}:${service}`, position);
    // The timeline shows what happened at any service.
    this.note(`${actor_id}:audit`, position);
  }

  /** Answers of two writes may overtake each other; the key that wrote least recently makes room. */
  private note(key: string, position: Position): void {
    const known = this.newest.get(key);
    if (known !== undefined && BigInt(known) >= BigInt(position)) return;
    this.newest.delete(key);
    if (this.newest.size >= MOST_REMEMBERED) this.newest.delete(this.newest.keys().next().value!);
    this.newest.set(key, position);
  }
}

/** A request that asks twice waits no longer than one that asks once. */
export const timeLeft = ({ context }: { context: Context }): number =>
  Math.max(1, context.deadline + WAY_BACK_MS - Date.now());

/** All views of a service hear of all that it writes, so one position speaks for each. */
const serviceOf = (subject: Subject): string => subject.slice(0, subject.indexOf('.'));
