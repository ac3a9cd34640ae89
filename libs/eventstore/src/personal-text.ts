import type { Tenant } from '#contracts/envelope.js';
import { personalFieldsOf } from '#contracts/personal-text.js';
import type { EventStoreDBClient } from './client.js';
import { isErased } from './erasable.js';
import type { Recorded } from './recorded.js';
import { openText, sealedTextOf, sealText } from './sealed-text.js';
import { type KeyName, nameOf, type SubjectKeys } from './subject-keys.js';

const keysOf = new WeakMap<EventStoreDBClient, SubjectKeys>();

/**
 * From now on, personal text in what this client appends is sealed, and opened in what it reads: deciders, projections
 * and replies see it in plain. A client without keys sees events as they are stored.
 */
export const sealWith = (client: EventStoreDBClient, keys: SubjectKeys): void => void keysOf.set(client, keys);

export interface Fresh<E> {
  stream: string;
  events: E[];
  /** In the order of the events. */
  ids: string[];
  /** The stream's events before these. */
  past: { type: string }[];
}

/** Events as they are to be stored; null when the text of this stream was erased meanwhile. */
export async function seal<E extends { type: string }>(
  client: EventStoreDBClient,
  { stream, events, ids, past }: Fresh<E>,
): Promise<E[] | null> {
  if (!events.some((event) => personalFieldsOf(event).length > 0)) return events;
  const keys = keysOf.get(client);
  if (!keys) throw new Error(`${stream}: there are no keys here to seal personal text with`);
  const number = erasuresIn(past);
  const bytes = await keys.make({ stream, number, ...subjectOf(past[0] ?? events[0]!) });
  if (!bytes) return null;
  const sealed = (event: E, index: number) =>
    personalFieldsOf(event).length > 0 ? sealText(event, { stream, event_id: ids[index]! }, { number, bytes }) : event;
  return events.map(sealed);
}

/** The events of one whole stream with their text. What stands before an erasure is not even asked for. */
export async function openStream<E extends { type: string }>(
  client: EventStoreDBClient,
  recorded: Recorded<E>[],
): Promise<Recorded<E>[]> {
  const keys = keysOf.get(client);
  const erasures = erasuresIn(recorded.map(({ event }) => event));
  return keys ? openWith(keys, recorded, (name) => name.number >= erasures) : recorded;
}

/**
 * Events of many streams with their text. An erasure whose maker did not come to destroy the key is completed here,
 * before anybody's checkpoint can pass it.
 */
export async function openBatch(client: EventStoreDBClient, recorded: Recorded[]): Promise<Recorded[]> {
  const keys = keysOf.get(client);
  if (!keys) return recorded;
  for (const { stream, event, commit } of recorded) {
    if (isErased(event)) await keys.destroy({ stream, number: event.key_number }, commit);
  }
  return openWith(keys, recorded, () => true);
}

async function openWith<E extends { type: string }>(
  keys: SubjectKeys,
  recorded: Recorded<E>[],
  isWanted: (name: KeyName) => boolean,
): Promise<Recorded<E>[]> {
  const names = recorded.map(keyNameOf);
  const wanted = new Map(names.filter((name) => name && isWanted(name)).map((name) => [nameOf(name!), name!]));
  if (names.every((name) => name === null)) return recorded;
  const found = wanted.size > 0 ? await keys.find([...wanted.values()]) : new Map<string, Buffer>();
  return recorded.map((one, index) => {
    const name = names[index];
    if (!name) return one;
    const event = openText(one.event, { stream: one.stream, event_id: one.id }, found.get(nameOf(name)));
    return { ...one, event };
  });
}

function keyNameOf({ stream, event }: Recorded): KeyName | null {
  const sealed = sealedTextOf(event);
  return sealed ? { stream, number: sealed.key_number } : null;
}

/** The number of the key for what comes next. */
export const erasuresIn = (events: { type: string }[]): number => events.filter(isErased).length;

/** A thing's first event says whose it is. */
function subjectOf(first: { type: string }): Tenant & { owner: string | null } {
  const { project_id, environment, user_id } = first as unknown as Tenant & { user_id?: string | null };
  return { project_id, environment, owner: user_id ?? null };
}
