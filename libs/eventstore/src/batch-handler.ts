import type { AppendExpectedRevision, EventStoreDBClient, NO_STREAM } from '@eventstore/db-client';
import type { Category } from '#contracts/categories.js';
import { type Context, metadataOf } from '#contracts/envelope.js';
import { personalFieldsOf } from '#contracts/personal-text.js';
import { appendAll, type EventsToAppend } from './append.js';
import { commandIdOf } from './command-handler.js';
import type { Decider } from './decider.js';

/** A stream as it was at this revision. It may have moved on: an append that builds on it finds out. */
export interface Known<S> {
  state: S;
  revision: bigint | typeof NO_STREAM;
}

export interface BatchCommand<C> {
  command: C;
  context: Context;
}

export interface Batch<S, C> {
  id: string;
  known: Known<S>;
  commands: BatchCommand<C>[];
}

export interface BatchHandled<S, E> {
  /** What each command brought about, in their order; nothing where its wish was true already. */
  decided: E[][];
  known: Known<S>;
}

/**
 * Decides many commands on what is known of one stream and appends all of it at once, without a read. Throws Conflict when
 * the stream has moved on: then nothing has happened. A refusal of one command refuses the batch. For commands whose events
 * hold no personal text.
 */
export const batchHandler =
  <S, C extends { type: string }, E extends { type: string }>(
    client: EventStoreDBClient,
    category: Category,
    decider: Decider<S, C, E>,
  ) =>
  async ({ id, known, commands }: Batch<S, C>): Promise<BatchHandled<S, E>> => {
    const stream = `${category}-${id}`;
    let { state } = known;
    const wanted = commands.map(({ command, context }): EventsToAppend<E> => {
      const events = decider.decide(command, state);
      if (events.some((event) => personalFieldsOf(event).length > 0))
        throw new Error('personal text would stand unsealed');
      state = events.reduce((before, event) => decider.evolve(before, event), state);
      return { events, metadata: metadataOf(context), commandId: commandIdOf(context, stream, command) };
    });
    const decided = wanted.map(({ events }) => events);
    const count = decided.reduce((sum, { length }) => sum + length, 0);
    if (count === 0) return { decided, known };
    const expected: AppendExpectedRevision = known.revision;
    // One that has waited long must not take the others along.
    const deadline = Math.max(...commands.map(({ context }) => context.deadline));
    await appendAll(client, { stream, expected, deadline, requests: wanted });
    const before = typeof known.revision === 'bigint' ? known.revision : -1n;
    return { decided, known: { state, revision: before + BigInt(count) } };
  };
