import { type EventStoreDBClient, FORWARDS, UnknownError } from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import type { AsOf, Position } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { unavailable } from './failures.js';
import { factsOf, readStream } from './read-stream.js';
import type { Placed, Recorded } from './recorded.js';

const READ_DEADLINE_MS = 3_000;
/** The clock of the event store and that of whoever wrote an event's `at`, at most, with the time an append may take. */
const CLOCKS_DIFFER_MS = 10 * 60_000;
/** Far longer than an append may take: the store's clock had run ahead where so much lies between an event's `at` and it. */
const AHEAD_MS = 60_000;

/** A stream as it was at some moment, and the clock's time then. */
export interface StreamAsOf<E> {
  events: E[];
  time: string;
}

/** What a fold of the stream would have seen then. What has not happened yet at this moment is unknown: now is the latest. */
export async function readStreamAsOf<E extends { type: string }>(
  client: EventStoreDBClient,
  stream: string,
  asOf: AsOf,
): Promise<StreamAsOf<E>> {
  const [{ events }, time] = await Promise.all([readStream<E>(client, stream), timeOf(client, asOf)]);
  return { events: factsOf(upTo(events, asOf)), time };
}

/**
 * The events up to a moment, itself included. By position there is nothing in between. By time it is what the store had
 * written by then, and what the time itself is taken from: a time that an event tells, as the timeline shows it, means
 * that event too, although it was written a few milliseconds later.
 */
export function upTo<E extends { type: string }>(events: Recorded<E>[], asOf: AsOf): Recorded<E>[] {
  return events.slice(0, events.findLastIndex(isUpTo(asOf)) + 1);
}

/** Does this event, and all that stands before it, belong to the moment? */
export const isUpTo = (asOf: AsOf): ((recorded: Placed) => boolean) =>
  'time' in asOf
    ? (recorded) => writtenAt(recorded) <= asOf.time || (recorded.event as { at?: string }).at === asOf.time
    : ({ commit }) => commit <= BigInt(asOf.position);

/** Does nothing that stands behind this event belong to the moment any more? */
export function isBeyond(asOf: AsOf): (recorded: Placed) => boolean {
  if ('position' in asOf) return ({ commit }) => commit > BigInt(asOf.position);
  const last = Date.parse(asOf.time) + CLOCKS_DIFFER_MS;
  return (recorded) => Date.parse(writtenAt(recorded)) > last;
}

/**
 * By the store's clock. The embedded one never tells a time before that of an earlier event, also not once a clock that ran ahead
 * is right: then the event's own time counts, which is that of whoever wrote it.
 */
function writtenAt({ event, created }: Placed): string {
  const { at } = event as { at?: string };
  const wasAhead = at !== undefined && created.getTime() - Date.parse(at) > AHEAD_MS;
  return wasAhead ? at : created.toISOString();
}

/** The clock's time then. Refuses a position at which no event stands. */
export async function timeOf(client: EventStoreDBClient, asOf: AsOf): Promise<string> {
  const now = new Date().toISOString();
  const then = 'time' in asOf ? asOf.time : await timeAt(client, asOf.position);
  return then !== null && then < now ? then : now;
}

/** When the store wrote what stands there; null beyond the end. The store reads only from where an event begins. */
async function timeAt(client: EventStoreDBClient, position: Position): Promise<string | null> {
  const fromPosition = { commit: BigInt(position), prepare: BigInt(position) };
  const events = client.readAll({ direction: FORWARDS, fromPosition, maxCount: 1, deadline: READ_DEADLINE_MS });
  try {
    let at: string | null = null;
    // Read to its end: a call that is left half-way keeps the client from ever being disposed of.
    for await (const { event } of events) at ??= event?.created.toISOString() ?? null;
    return at;
  } catch (error) {
    if (isNoPosition(error)) throw new DomainError('INVALID_PARAMETER', `as_of: no event stands at ${position}.`);
    throw unavailable(error);
  }
}

/** EventStoreDB 24 says so by a status; to 23.10 it is an error that it tells nothing about. */
function isNoPosition(error: unknown): boolean {
  if (!(error instanceof UnknownError)) return false;
  return error.code === status.INVALID_ARGUMENT || error.message.includes('ReadAllResult: Error');
}
