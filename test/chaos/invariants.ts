import { Client } from 'pg';
import type { ConnectionEvent } from '#contracts/connection.js';
import type { SessionEvent } from '#contracts/link-session.js';
import { connectEventStore } from '#eventstore/client.js';
import { type Recorded, streamIdOf, toRecorded } from '#eventstore/recorded.js';
import { openText, sealedTextOf } from '#eventstore/sealed-text.js';
import type { View } from '#eventstore/view.js';
import type { Deed } from './witness.js';

/** Everything in the event store, in its order: the truth that all answers are held against. */
export async function readAllEvents(url: string): Promise<Recorded[]> {
  const client = connectEventStore(url);
  try {
    const events: Recorded[] = [];
    for await (const resolved of client.readAll()) {
      const recorded = toRecorded(resolved);
      if (recorded) events.push(recorded);
    }
    return events;
  } finally {
    await client.dispose();
  }
}

export type TextKey = { stream: string; number: number; key: Buffer | null };

/** The events as the services that own them read them. */
export function withTexts(events: Recorded[], keys: TextKey[]): Recorded[] {
  const byName = new Map(keys.map(({ stream, number, key }) => [`${stream} ${number}`, key ?? undefined]));
  return events.map((recorded) => {
    const { event, stream, id } = recorded;
    const key = byName.get(`${stream} ${sealedTextOf(event)?.key_number}`);
    return { ...recorded, event: openText(event, { stream, event_id: id }, key) };
  });
}

export async function query<Row>(url: string, sql: string): Promise<Row[]> {
  const database = new Client({ connectionString: url });
  await database.connect();
  try {
    return (await database.query(sql)).rows as Row[];
  } finally {
    await database.end();
  }
}

type OfKind<E> = Map<string, E[]>;

/** The events of each stream of a kind, by the stream's id. */
export function streamsOf<E>(events: Recorded[], kind: string): OfKind<E> {
  const streams: OfKind<E> = new Map();
  for (const { stream, event } of events) {
    if (!stream.startsWith(`${kind}-`)) continue;
    const id = streamIdOf(stream);
    streams.set(id, [...(streams.get(id) ?? []), event as E]);
  }
  return streams;
}

/**
 * I1: what was answered is there once, what was refused is not there, and what is unknown is there once or not at all.
 * (A new sign-in is the bank's to announce; its webhooks are looked at on their own.)
 */
export function lostOrDoubled(deeds: Deed[], events: Recorded[]): string[] {
  const counted = countMarks(events);
  const answerable = deeds.filter(({ kind }) => kind !== 'require-login');
  return answerable.flatMap(({ kind, outcome, mark, id }) => {
    const times = counted.get(`${kind} ${mark}`) ?? 0;
    const allowed = { sure: [1], refused: [0], unknown: [0, 1] }[outcome];
    const rightId = id === undefined || counted.has(`${kind} ${mark} ${id}`);
    return allowed.includes(times) && rightId ? [] : [`I1: ${kind} ${mark} was ${outcome} and stands ${times} times`];
  });
}

/** I2: nothing has happened that nobody asked for. Who asked is known of the load's own marks, and of what it alone ends. */
export function unasked(deeds: Deed[], events: Recorded[]): string[] {
  const asked = new Set(deeds.map(({ kind, mark }) => `${kind} ${mark}`));
  const done = [...countMarks(events).keys()].filter((one) =>
    /^((mint|user) c\d+-\d+|(cancel|disconnect) \S+)$/.test(one),
  );
  return done.filter((one) => !asked.has(one)).map((one) => `I2: ${one} stands there, and nobody asked for it`);
}

/** I17: the bank sends its word for a new sign-in until it is taken in, and it is taken in once; one that is gone hears nothing. */
export function unheard(deeds: Deed[], connections: Map<string, ConnectionEvent[]>): string[] {
  const asked = deeds.filter(({ kind, outcome }) => kind === 'require-login' && outcome === 'sure');
  return asked.flatMap(({ mark }) => {
    const events = connections.get(mark)!;
    const times = events.filter(isLoginRequired).length;
    const isGone = events.some(({ type }) => type === 'ConnectionDisconnected');
    return times === 1 || (isGone && times === 0) ? [] : [`I17: ${mark} has taken in the bank's word ${times} times`];
  });
}

const isLoginRequired = (event: ConnectionEvent) =>
  event.type === 'WebhookReceived' && ['ITEM:ERROR', 'enrollment.disconnected'].includes(event.kind);

/** How often each wish of the load left its event. */
function countMarks(events: Recorded[]): Map<string, number> {
  const counted = new Map<string, number>();
  const add = (key: string) => counted.set(key, (counted.get(key) ?? 0) + 1);
  for (const { stream, event } of events) {
    const id = streamIdOf(stream);
    const named = event as SessionEvent | ConnectionEvent | { type: 'UserCreated'; name: string };
    if (named.type === 'SessionMinted') [`mint ${named.label}`, `mint ${named.label} ${id}`].forEach(add);
    if (named.type === 'UserCreated') [`user ${named.name}`, `user ${named.name} ${id}`].forEach(add);
    if (named.type === 'SessionFailed' && named.error_code === 'CANCELLED') add(`cancel ${id}`);
    if (named.type === 'ConnectionDisconnected') add(`disconnect ${id}`);
    if (named.type === 'AttemptSucceeded') add(`finish ${named.attempt_id}`);
  }
  return counted;
}

/** I3: revisions of each stream without a gap, and no event id twice in the whole store. */
export function gapsAndTwins(events: Recorded[]): string[] {
  const next = new Map<string, bigint>();
  const gaps = events.flatMap(({ stream, revision }) => {
    const expected = next.get(stream) ?? 0n;
    next.set(stream, revision + 1n);
    return revision === expected ? [] : [`I3: ${stream} has revision ${revision} where ${expected} belongs`];
  });
  const doubled = events.length - new Set(events.map(({ id }) => id)).size;
  return doubled === 0 ? gaps : [...gaps, `I3: ${doubled} event ids stand twice`];
}

const ENDS = ['SessionCompleted', 'SessionFailed', 'SessionExpired'];

/** I5: the rules of a session, said a second time and independently of the decider. */
export function brokenRules(sessions: Map<string, SessionEvent[]>): string[] {
  return [...sessions].flatMap(([id, events]) => faultsOf(events).map((fault) => `I5: session ${id}: ${fault}`));
}

function faultsOf(events: SessionEvent[]): string[] {
  const [minted, ...rest] = events;
  if (minted?.type !== 'SessionMinted') return ['does not begin with SessionMinted'];
  const faults: string[] = [];
  const attempts = new Map<string, string>();
  const must = (fine: boolean, fault: string) => void (fine || faults.push(fault));
  const inFlight = () => [...attempts.values()].filter((state) => state === 'AttemptClaimed').length;
  let ended = false;
  for (const event of rest) {
    const { type } = event;
    must(!ended || type === 'UseRefused', `${type} after its end`);
    must(type !== 'SessionMinted', 'minted twice');
    if (ENDS.includes(type)) {
      ended = true;
      must(inFlight() === 0, `${type} while an attempt is in flight`);
    }
    if (!('attempt_id' in event)) continue;
    const before = attempts.get(event.attempt_id);
    const used = [...attempts.values()].some((state) => ['AttemptClaimed', 'AttemptSucceeded'].includes(state));
    if (type === 'AttemptStarted') must(before === undefined, 'an attempt started twice');
    if (type === 'AttemptClaimed') must(before === 'AttemptStarted', `claimed after ${before}`);
    if (type === 'AttemptClaimed') must(!minted.single_use || !used, 'a single use was taken twice');
    if (type === 'AttemptSucceeded') must(before === 'AttemptClaimed', `succeeded after ${before}`);
    if (type !== 'UseRefused') attempts.set(event.attempt_id, type);
  }
  return faults;
}

/** I6: a session and its connections say the same of each other, and one use brings one connection. */
export function disagreements(
  sessions: Map<string, SessionEvent[]>,
  connections: Map<string, ConnectionEvent[]>,
): string[] {
  const faults: string[] = [];
  const linkedBy = new Map<string, string[]>();
  for (const [id, [linked]] of connections) {
    if (linked?.type !== 'ConnectionLinked') faults.push(`I6: connection ${id} does not begin with ConnectionLinked`);
    else linkedBy.set(linked.session_id, [...(linkedBy.get(linked.session_id) ?? []), id]);
  }
  for (const [id, events] of sessions) {
    const [minted] = events;
    if (minted?.type !== 'SessionMinted') continue;
    const results = events.flatMap((event) => (event.type === 'AttemptSucceeded' ? [event.connection_id] : []));
    const made = linkedBy.get(id) ?? [];
    const expected = minted.action === 'relink' ? results.filter((one) => one === minted.connection_id) : made;
    if (String([...results].sort()) !== String([...expected].sort())) {
      faults.push(`I6: session ${id} names the connections ${String(results)}, but there are ${String(expected)}`);
    }
    if (minted.single_use && results.length > 1) faults.push(`I6: session ${id} was used ${results.length} times`);
    linkedBy.delete(id);
  }
  return [...faults, ...[...linkedBy.keys()].map((id) => `I6: connections of the unknown session ${id}`)];
}

/** The bank's own ids of the logins that should be live there. */
export function liveItems(connections: Map<string, ConnectionEvent[]>): string[] {
  return [...connections.values()]
    .filter((events) => !events.some(({ type }) => type === 'ConnectionDisconnected'))
    .flatMap(([linked]) => (linked?.type === 'ConnectionLinked' ? [linked.provider_item_id] : []))
    .sort();
}

type Row = Record<string, unknown>;

/** I8, I10: the rows of a table against those that its own literal makes of all events from the beginning. */
export async function differFromReplay(view: View, table: Row[], events: Recorded[]): Promise<string[]> {
  const heard = events.filter(({ stream }) => view.prefixes.some((prefix) => stream.startsWith(prefix)));
  const { added: rows, parked } = await view.changes(heard, noDatabase);
  const key = view.name === 'audit_entries' ? 'position' : 'id';
  const byKey = (list: Row[]) => new Map(list.map((row) => [String(row[key]), canonical(row)]));
  const columns = Object.keys(table[0] ?? {});
  const [live, replayed] = [byKey(table), byKey(rows.map((row) => only(columns, row as Row)))];
  const keys = [...new Set([...live.keys(), ...replayed.keys()])];
  return [
    ...parked.map(({ event }) => `I10: a replay cannot apply ${event.event.type} of ${event.stream}`),
    ...keys
      .filter((one) => live.get(one) !== replayed.get(one))
      .map((one) => `I10: ${view.name} ${one} is ${live.get(one)}, and ${replayed.get(one)} in a replay`),
  ];
}

/** A replay from the beginning finds nothing in its table. */
const noDatabase = {
  table: 'none',
  query: () => Promise.resolve([]),
} as unknown as Parameters<View['changes']>[1];

const only = (columns: string[], row: Row): Row =>
  Object.fromEntries(columns.map((column) => [column, row[column] ?? null]));

/** One spelling for equal values: the database orders the fields of JSON in its own way. */
function canonical(value: unknown): string {
  const ordered = (_: string, inner: unknown): unknown =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner;
  return JSON.stringify(value, ordered);
}
