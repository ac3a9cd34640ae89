import {
  type AppendExpectedRevision,
  type EventStoreDBClient,
  jsonEvent,
  type JSONType,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { setTimeout as wait } from 'node:timers/promises';
import type { EventMetadata, Position } from '#contracts/envelope.js';
import { uuidV5 } from '#contracts/ids.js';
import { rejectAfter } from '#contracts/time-limit.js';
import './append-as-bytes.js';
import './append-without-deadline.js';
import { unavailable } from './failures.js';

const ATTEMPT_MS = 1_500;

interface AppendTarget {
  stream: string;
  expected: AppendExpectedRevision;
  /** Epoch milliseconds. */
  deadline: number;
}

/** What one command brings about. */
export interface EventsToAppend<E extends { type: string }> {
  events: E[];
  metadata: EventMetadata;
  /** Names the command: the ids of its events follow from it. */
  commandId: string;
}

export interface Append<E extends { type: string }> extends AppendTarget, EventsToAppend<E> {}

/** Another writer was first. */
export class Conflict extends Error {}

/**
 * Appends at an exact revision with ids that follow from the command. An append whose outcome is unknown (no
 * answer, broken connection) is therefore sent again, the same ids at the same revision, until the deadline:
 * the store recognises it and nothing is written twice.
 */
export const append = <E extends { type: string }>(client: EventStoreDBClient, request: Append<E>): Promise<Position> =>
  appendAll(client, { ...request, requests: [request] });

/** The events of several commands on one stream, in one append: all of them are written or none. */
export async function appendAll<E extends { type: string }>(
  client: EventStoreDBClient,
  { stream, expected, deadline, requests }: AppendTarget & { requests: EventsToAppend<E>[] },
): Promise<Position> {
  const events = requests.flatMap((request) =>
    request.events.map((event, index) => toJsonEvent(event, request, index)),
  );
  // A clock that is set back meanwhile must not keep an append going whose caller has left.
  const until = performance.now() + deadline - Date.now();
  for (let pause = 50; ; pause *= 2) {
    const left = until - performance.now();
    if (left <= 0) throw unavailable('the deadline passed before the append');
    try {
      const sent = client.appendToStream(stream, events, { expectedRevision: expected });
      // The client has no deadline of its own for appends over the batch call.
      const { position } = await rejectAfter(sent, Math.min(left, ATTEMPT_MS));
      return String(position?.commit ?? 0n);
    } catch (error) {
      if (error instanceof WrongExpectedVersionError) throw new Conflict(stream, { cause: error });
      if (performance.now() + pause >= until) throw unavailable(error);
      await wait(pause);
    }
  }
}

export const eventId = (commandId: string, index: number): string => uuidV5(commandId, String(index));

function toJsonEvent<E extends { type: string }>(
  { type, ...data }: E,
  { metadata, commandId }: EventsToAppend<E>,
  index: number,
) {
  return jsonEvent({
    id: eventId(commandId, index),
    type,
    data: data,
    metadata: metadata as unknown as JSONType,
  });
}
