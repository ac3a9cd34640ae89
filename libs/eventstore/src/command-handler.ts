import { type EventStoreDBClient, NO_STREAM } from '@eventstore/db-client';
import { type Context, metadataOf, type Position } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { uuidV5 } from '#contracts/ids.js';
import { append, Conflict } from './append.js';
import { type Decider, fold } from './decider.js';
import { readStream, type StreamRead } from './read-stream.js';

const ATTEMPTS = 4;

export interface Handled<E> {
  /** The whole stream, the newly decided events last. */
  events: E[];
  decided: E[];
  position: Position;
}

export interface Wish<C> {
  id: string;
  command: C;
  context: Context;
  /** The stream is most likely new: decide and append first, read only when somebody was there before. */
  expectNew?: boolean;
}

/**
 * The only place that appends: read, fold, decide, append at the revision read. A conflict is decided again on
 * what is there now; the same command again decides [] or appends the same ids.
 */
export const commandHandler =
  <S, C extends { type: string }, E extends { type: string }>(
    client: EventStoreDBClient,
    category: string,
    decider: Decider<S, C, E>,
  ) =>
  async ({ id, command, context, expectNew = false }: Wish<C>): Promise<Handled<E>> => {
    const stream = `${category}-${id}`;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const past: StreamRead<E> =
        expectNew && attempt === 1 ? { events: [], revision: NO_STREAM } : await readStream<E>(client, stream);
      const events = past.events.map((recorded) => recorded.event);
      const decided = decider.decide(command, fold(decider, events));
      if (decided.length === 0) return { events, decided, position: String(past.events.at(-1)?.commit ?? 0n) };
      try {
        const position = await append(client, {
          stream,
          expected: past.revision,
          events: decided,
          metadata: metadataOf(context),
          commandId: uuidV5(context.command_id, `${stream}:${command.type}`),
          deadline: context.deadline,
        });
        return { events: [...events, ...decided], decided, position };
      } catch (error) {
        if (!(error instanceof Conflict)) throw error;
      }
    }
    throw new DomainError('CONFLICT');
  };
