import { DatabaseError } from 'pg';
import { openDatabase, type Database } from './database.js';
import { type WrittenEvent } from './decide-append.js';
import { NO_REVISION } from './event.js';
import { POSITION_STEP } from './group.js';
import { insertGroup } from './insert-group.js';
import { LogTail, type TailLimits } from './log-tail.js';
import { Reader } from './reader.js';
import { LAST_EVENT, LOAD_STATES, RECENT_IDS, STORED_IDS } from './sql.js';
import { streamState } from './stream-state.js';
import { StreamStates, type LoadStates } from './stream-states.js';
import { TwoGenerationMap } from './two-generation-map.js';
import { Writer } from './writer.js';

export interface EventLogSettings {
  readonly databaseUrl: string;
  readonly tail: TailLimits;
  /** Called once if another process may have become the writer: this one must end. */
  readonly onLost: (error: Error) => void;
}

/** A durable, totally ordered log of events in one Postgres table. */
export interface EventLog {
  readonly writer: Writer;
  readonly reader: Reader;
  readonly tail: LogTail;
  close(): Promise<void>;
}

const CACHED_STREAMS = 50_000;
const CACHED_EVENT_IDS = 50_000;
const EVENT_IDS_AT_START = 10_000;

/** Opens the log: its cost does not depend on how much is stored. */
export async function openEventLog({ databaseUrl, tail: limits, onLost }: EventLogSettings): Promise<EventLog> {
  const database = await openDatabase(databaseUrl, onLost);
  const { position: head, created } = await lastEvent(database);
  const tail = new LogTail(head, limits);
  const states = new StreamStates(loadStates(database), CACHED_STREAMS);
  const end = { nextPosition: head + BigInt(POSITION_STEP), created };
  const writer = new Writer(end, {
    states,
    recent: await recentIds(database),
    commit: async (group) => {
      try {
        await insertGroup(database.write, group.events);
      } catch (error) {
        // Only an error that Postgres itself reported says for sure that nothing was written.
        if (!(error instanceof DatabaseError)) onLost(error as Error);
        throw error;
      }
    },
    storedIds: async (stream, firstRevision, count) => {
      const statement = { name: 'stored-ids', text: STORED_IDS };
      const rows = await database.write<[string, bigint]>(statement, [stream, firstRevision, count]);
      return rows.map(([id, position]) => ({ id, position }));
    },
    publish: (group) => tail.push(group.events),
  });
  const close = async () => {
    await writer.close();
    await database.close();
  };
  return { writer, reader: new Reader(database.read, states, tail), tail, close };
}

async function lastEvent(database: Database): Promise<{ position: bigint; created: bigint }> {
  const [last] = await database.write<[bigint, bigint]>({ name: 'last-event', text: LAST_EVENT }, []);
  return last ? { position: last[0], created: last[1] } : { position: -1n, created: 0n };
}

/** So that a repeat under `any` is recognised also by a server that started in between. */
async function recentIds(database: Database): Promise<TwoGenerationMap<WrittenEvent>> {
  const recent = new TwoGenerationMap<WrittenEvent>(CACHED_EVENT_IDS);
  const statement = { name: 'recent-ids', text: RECENT_IDS };
  const rows = await database.write<[string, string, bigint, bigint]>(statement, [EVENT_IDS_AT_START]);
  for (const [id, stream, revision, position] of rows) recent.set(id, { stream, revision, position });
  return recent;
}

function loadStates(database: Database): LoadStates {
  const statement = { name: 'load-states', text: LOAD_STATES };
  return async (owners) => {
    const rows = await database.read<[bigint | null, bigint | null, Buffer | null]>(statement, [owners]);
    return rows.map(([revision, metaRevision, metadata]) =>
      streamState(revision ?? NO_REVISION, metaRevision ?? NO_REVISION, metadata ?? undefined),
    );
  };
}
