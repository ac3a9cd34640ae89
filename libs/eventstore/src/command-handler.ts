import type { EventStoreDBClient } from '@eventstore/db-client';
import type { Category } from '#contracts/categories.js';
import { type Context, metadataOf, type Position } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { uuidV5 } from '#contracts/ids.js';
import { append, Conflict, eventId } from './append.js';
import { seal } from './personal-text.js';
import type { Placed, Recorded } from './recorded.js';
import { type Decider, fold } from './decider.js';
import { factsOf, nothingRead, readStream, type StreamRead } from './read-stream.js';

/** Each conflict means that another writer got on, so this many stand for a crowd at one stream, not for bad luck. */
const ATTEMPTS = 30;

export interface Handled<E> {
  /** The whole stream; of one that was recalled only what this command has just brought about. */
  events: E[];
  /** What this command brought about, now or the first time it came. */
  decided: E[];
  /** It came before, and its events stand there already. */
  repeated: boolean;
  position: Position;
}

/** By which an event is known again: a whole one can weigh a thousand times as much. */
export interface Mark {
  id: string;
  revision: bigint;
}

/** A stream that is known without reading all of it. */
export interface Recalled<S> {
  state: S;
  revision: StreamRead<never>['revision'];
  last: Placed | null;
  /** Of its last events, oldest first: a command that comes again after so many others is taken for a new one. */
  marks: Mark[];
  /** What personal text is sealed by: whose the first event says it is, and all erasures. */
  roots: Placed[];
}

export interface CommandRequest<S, C> {
  id: string;
  command: C;
  context: Context;
  /** In place of a read of the whole stream. */
  recall?: () => Promise<Recalled<S>>;
  /** The stream is most likely new: decide and append first, read only when somebody was there before. */
  expectNew?: boolean;
}

/**
 * Handles one command: read, fold, decide, append at the revision read. A stream that is expected to be new is tried unread
 * first. A conflict is decided again on what is there now; a command that has left its events already is answered from them.
 * Many commands to one stream that is known go through `batch-handler.ts` instead; nothing else appends.
 */
export const commandHandler =
  <S, C extends { type: string }, E extends { type: string }>(
    client: EventStoreDBClient,
    category: Category,
    decider: Decider<S, C, E>,
  ) =>
  async ({ id, command, context, expectNew = false, recall }: CommandRequest<S, C>): Promise<Handled<E>> => {
    const stream = `${category}-${id}`;
    const commandId = commandIdOf(context, stream, command);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const isNew = expectNew && !context.again && attempt === 1;
      const recalled = isNew ? undefined : await recall?.();
      const read: StreamRead<E> = recalled || isNew ? nothingRead : await readStream<E>(client, stream);
      const events = factsOf(read.events);
      const here = String((recalled?.last ?? read.events.at(-1))?.commit ?? 0n);
      const before = recalled
        ? await eventsMarked<E>(client, stream, { commandId, marks: recalled.marks })
        : eventsOf(commandId, read.events);
      if (before.length > 0) return { events, decided: before, position: here, repeated: true };
      const decided = decider.decide(command, recalled ? recalled.state : fold(decider, events));
      if (decided.length === 0) return { events, decided, position: here, repeated: false };
      const ids = decided.map((_, index) => eventId(commandId, index));
      const roots = recalled ? recalled.roots.map(({ event }) => event) : events;
      const sealed = await seal(client, { stream, events: decided, ids, past: roots });
      // Its text was erased after we had read it.
      if (sealed === null) continue;
      try {
        const position = await append(client, {
          stream,
          expected: (recalled ?? read).revision,
          events: sealed,
          metadata: metadataOf(context),
          commandId,
          deadline: context.deadline,
        });
        return { events: [...events, ...decided], decided, position, repeated: false };
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
      }
    }
    throw new DomainError('CONFLICT');
  };

/** Names what one wish does to one stream. */
export const commandIdOf = (context: Context, stream: string, command: { type: string }): string =>
  uuidV5(context.command_id, `${stream}:${command.type}`);

/** The events a command has left among those that are marked. */
export async function eventsMarked<E extends { type: string }>(
  client: EventStoreDBClient,
  stream: string,
  { commandId, marks }: { commandId: string; marks: Mark[] },
): Promise<E[]> {
  const name = eventId(commandId, 0);
  const from = marks.findIndex(({ id }) => id === name);
  if (from < 0) return [];
  let to = from + 1;
  while (marks[to]?.id === eventId(commandId, to - from)) to++;
  const { events } = await readStream<E>(client, stream, marks[from]!.revision - 1n, to - from);
  return factsOf(events);
}

/** The events a command has left in its stream already: a repeated command has its first answer, and no second effect. */
function eventsOf<E extends { type: string }>(commandId: string, past: Recorded<E>[]): E[] {
  const byId = new Map(past.map((recorded) => [recorded.id, recorded.event]));
  const found: E[] = [];
  for (let event = byId.get(eventId(commandId, 0)); event; event = byId.get(eventId(commandId, found.length))) {
    found.push(event);
  }
  return found;
}
