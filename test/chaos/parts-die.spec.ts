import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ConnectionEvent } from '#contracts/connection.js';
import type { SessionEvent } from '#contracts/link-session.js';
import type { Recorded } from '#eventstore/recorded.js';
import type { View } from '#eventstore/view.js';
import { type Api, apiWith, newCaller, newUser, until } from '#testing/api.js';
import { type Stack, startStack } from '#testing/stack.js';
import { auditEntries } from '../../apps/audit/src/audit.view.js';
import { connections } from '../../apps/connection/src/connection.view.js';
import { users } from '../../apps/connection/src/user.view.js';
import { apiKeys } from '../../apps/key/src/key.view.js';
import { linkSessions } from '../../apps/link-session/src/link-session.view.js';
import { bankUrlOf } from '../page-visit.js';
import {
  differFromReplay,
  disagreements,
  brokenRules,
  gapsAndTwins,
  liveItems,
  lostOrDoubled,
  query,
  readAllEvents,
  streamsOf,
  type TextKey,
  unasked,
  unheard,
  withTexts,
} from './invariants.js';
import { Load } from './load.js';

const CLIENTS = 16;
const OPERATIONS_BEFORE_A_KILL = 40;
const OPERATIONS_AFTER_HEALING = 80;
/** The first ones leave attempts to a sweep that waits for the lease of the dead worker, so they come first. */
const ALL = 'connection,link-session,key,audit,gateway,nats,eventstore,postgres';
const PARTS = (process.env['CHAOS_PARTS'] ?? ALL).split(',');
const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);

/** The load's own waiting for a core is in its clock too, when other suites share the machine. */
const OWN_QUEUE_MS = 2_000;
/**
 * What a bank has to answer in the end waits for it, also where the part that would ask the bank has died. What comes again
 * under its Idempotency-Key waits ten seconds for the first, which may have died, and then has its own five.
 */
const patienceOf = (name: string): number =>
  name === 'mint-once' ? 15_000 : ['start', 'disconnect'].includes(name) ? 10_000 : 5_000;
const KEYS = 'select stream, number, key from subject_keys';

const views: Record<string, View[]> = {
  key: [apiKeys],
  connection: [users, connections],
  'link-session': [linkSessions],
  audit: [auditEntries],
};

let stack: Stack;
let api: Api;
let load: Load;
let outsider: Api;
let userId: string;
/** When each part was killed and when all was well again, milliseconds since the epoch. */
const outages: { part: string; from: number; to: number }[] = [];

beforeAll(async () => {
  stack = await startStack({ servers: 'local' });
  const caller = await newCaller(stack.run());
  userId = await newUser(caller.api);
  // Each answer counts, also the refusal.
  api = apiWith(stack.url, caller.key, 1);
  outsider = apiWith(stack.url, null, 1);
  load = new Load({ api, bankUrl: bankUrlOf(stack), seed, clients: CLIENTS });
});

afterAll(async () => {
  await load?.stop();
  await stack?.stop();
});

const moreOperations = (count: number) => {
  const goal = load.operations + count;
  return until(
    () => Promise.resolve(load.operations),
    (done) => done >= goal,
    60_000,
  );
};

async function die(part: string): Promise<void> {
  const { pid } = stack.run().parts[part]!;
  const outage = { part, from: Date.now(), to: Infinity };
  outages.push(outage);
  stack.kill(part, 'SIGKILL');
  await until(
    () => Promise.resolve(stack.run().parts[part]!.pid),
    (now) => now !== pid,
  );
  await until(isReady, Boolean, 60_000);
  outage.to = Date.now();
}

const isReady = async () => (await outsider.get('/health/ready')).status === 200;

async function lagIsGone(): Promise<boolean> {
  const { status, body } = await outsider.get('/health/ready');
  const parts: { views: { lag_ms: number }[] }[] = Object.values((body?.parts ?? {}) as object);
  return status === 200 && parts.every((part) => part.views.every(({ lag_ms }) => lag_ms < 1_000));
}

describe(`under the load of ${CLIENTS} clients (CHAOS_SEED=${seed})`, () => {
  it.each(PARTS)('all is well again after a kill -9 of %s (I18)', async (part) => {
    await moreOperations(OPERATIONS_BEFORE_A_KILL);
    await die(part);
    const since = Date.now();
    const mints = await Promise.all(
      Array.from({ length: 50 }, () => api.post('/api/v1/connections/link', { user_id: userId })),
    );
    expect({ I18: mints.map(({ status }) => status) }).toEqual({ I18: Array<number>(50).fill(201) });
    expect(Date.now() - since).toBeLessThan(5_000);
    await until(lagIsGone, Boolean, 10_000);
    await moreOperations(OPERATIONS_AFTER_HEALING);
  });
});

describe(`afterwards (CHAOS_SEED=${seed})`, () => {
  /** As the store holds them: personal text is sealed. */
  let stored: Recorded[];
  let events: Recorded[];
  let sessions: Map<string, SessionEvent[]>;
  let connected: Map<string, ConnectionEvent[]>;

  const read = async () => {
    stored = await readAllEvents(stack.run().eventstore.url);
    events = withTexts(stored, [
      ...(await ofService<TextKey>('connection', KEYS)),
      ...(await ofService<TextKey>('link-session', KEYS)),
    ]);
    sessions = streamsOf<SessionEvent>(events, 'link_session');
    connected = streamsOf<ConnectionEvent>(events, 'connection');
  };
  const ofService = <Row>(service: string, sql: string) =>
    query<Row>(stack.run().databases[service.replace('-', '_')]!, sql);

  beforeAll(async () => {
    await load.stop();
    const unfinished = `select attempt_id from link_attempts where state <> 'started'`;
    await until(
      () => ofService('connection', unfinished),
      (rows) => rows.length === 0,
      120_000,
    );
    await read();
  }, 240_000);

  it('the faults were felt: the load was refused and cut, and most of it was done (I21)', () => {
    const { calls, deeds } = load.witness;
    expect(calls.some(({ status }) => status === 503)).toBe(true);
    expect(calls.some(({ status }) => status === null)).toBe(true);
    expect(deeds.filter(({ outcome }) => outcome === 'sure').length).toBeGreaterThan(300);
    for (const kind of ['user', 'mint', 'cancel', 'disconnect', 'require-login', 'finish']) {
      expect(deeds.filter((deed) => deed.kind === kind && deed.outcome === 'sure').length).toBeGreaterThan(5);
    }
  });

  it('every answer was in its envelope, and a refusal came within 5 s, or 10 s from a bank, and said when to come back (I19)', () => {
    const { calls } = load.witness;
    expect(calls.filter(({ complaint }) => complaint !== null)).toEqual([]);
    // A machine that has no core to spare may be slow to do what was asked, which is no fault; who waits in vain, hears null.
    const isLate = ({ name, ms }: { name: string; ms: number }) => ms > patienceOf(name) + OWN_QUEUE_MS;
    expect(calls.filter((call) => call.status !== null && call.status >= 500 && isLate(call))).toEqual([]);
    const gatewayWasAway = ({ at, ms }: { at: number; ms: number }) =>
      outages.some(({ part, from, to }) => part === 'gateway' && at + ms >= from && at <= to);
    expect(calls.filter((call) => call.status === null && !gatewayWasAway(call))).toEqual([]);
  });

  it('what was answered is there once, and what was refused is not (I1)', () => {
    expect(lostOrDoubled(load.witness.deeds, events)).toEqual([]);
  });

  it('nothing has happened that nobody asked for (I2)', () => {
    expect(unasked(load.witness.deeds, events)).toEqual([]);
  });

  it('the same Idempotency-Key had the same bytes for an answer, whatever died in between (I4)', () => {
    const { calls, differing } = load.witness;
    expect(calls.filter(({ name, status }) => name === 'mint-once' && status === 201).length).toBeGreaterThan(20);
    expect(differing).toEqual([]);
  });

  it('revisions have no gap and no event stands twice (I3)', () => {
    expect(gapsAndTwins(events)).toEqual([]);
  });

  it('sessions kept their rules (I5)', () => {
    expect(brokenRules(sessions)).toEqual([]);
  });

  it('sessions, connections and the bank agree (I6)', async () => {
    expect(disagreements(sessions, connected)).toEqual([]);
    const ledger = await fetch(`${bankUrlOf(stack)}/sandbox/ledger`);
    const { items } = (await ledger.json()) as { items: { id: string; state: string }[] };
    const live = items.filter(({ state }) => state === 'live').map(({ id }) => id);
    expect(live.sort()).toEqual(liveItems(connected));
    expect(await ofService('connection', `select field from vault_entries where field like 'attempt %'`)).toEqual([]);
  });

  it('the bank’s word arrived for each sign-in it asked for, once (I17)', async () => {
    await until(
      () => read().then(() => unheard(load.witness.deeds, connected)),
      (deaf) => deaf.length === 0,
      15_000,
    );
  });

  it.each(Object.keys(views))(
    'the tables of %s are what a replay makes of the events (I8, I9, I10)',
    async (service) => {
      for (const view of views[service]!) {
        const differences = async () => {
          await read();
          const table = await ofService<Record<string, unknown>>(service, `select * from ${view.name}`);
          return differFromReplay(view, table, service === 'audit' ? stored : events);
        };
        expect(await until(differences, (found) => found.length === 0, 5_000)).toEqual([]);
      }
      expect(await ofService(service, 'select * from parked_events')).toEqual([]);
    },
  );

  it('no promise was left behind, and no service failed or died by a mistake of its own (I20)', () => {
    // A broker that was started again knows nothing of the requests of the one before, and lets nobody answer them.
    const lostBus = /NatsError: .*(disconnect|Publish to \\"_INBOX_)/;
    const isMistake = (line: string) => /unhandled|"level":[56]0/i.test(line) && !lostBus.test(line);
    const parts = ['gateway', ...Object.keys(views)].map((part) => ({ part, lines: linesOf(part) }));
    // What ends a process without its word is said by Node, and not as JSON.
    const mistakes = parts.flatMap(({ part, lines }) =>
      lines.filter((line) => isMistake(line) || !line.startsWith('{')).map((line) => `${part}: ${line}`),
    );
    expect(mistakes).toEqual([]);
    const starts = ({ lines }: { lines: string[] }) => lines.filter((line) => line.includes('"msg":"serving"')).length;
    const kills = (part: string) => outages.filter((one) => one.part === part).length;
    expect(parts.map((one) => [one.part, starts(one)])).toEqual(parts.map(({ part }) => [part, 1 + kills(part)]));
  });

  const linesOf = (part: string): string[] => {
    const folder = join(stack.dataDir, 'logs');
    const files = readdirSync(folder).filter((file) => file.startsWith(`${part}.`));
    return files.flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n')).filter((line) => line !== '');
  };

  const isThere = (id: string) => connected.get(id)!.every(({ type }) => type !== 'ConnectionDisconnected');

  it('these checks find what is planted', async () => {
    const { deeds } = load.witness;
    const { mark } = deeds.find(({ kind, outcome }) => kind === 'mint' && outcome === 'sure')!;
    const isMinted = ({ event }: Recorded) =>
      event.type === 'SessionMinted' && 'label' in event && event.label === mark;
    const lost = events.filter((event) => !isMinted(event));
    const doubled = [...events, events.find(isMinted)!];
    expect(lostOrDoubled(deeds, lost)).toEqual([`I1: mint ${mark} was sure and stands 0 times`]);
    expect(lostOrDoubled(deeds, doubled)).toEqual([`I1: mint ${mark} was sure and stands 2 times`]);
    const begins = events.find((event) => event.revision === 0n && events.some((e) => follows(e, event)))!;
    expect(gapsAndTwins(events.filter((event) => event !== begins))).not.toEqual([]);
    expect(gapsAndTwins(doubled)).toHaveLength(2);
    const unknown = deeds.filter((deed) => deed.mark !== mark);
    expect(unasked(unknown, events)).toEqual([`I2: mint ${mark} stands there, and nobody asked for it`]);
    const heard = deeds.find(
      ({ kind, outcome, mark }) => kind === 'require-login' && outcome === 'sure' && isThere(mark),
    )!;
    const deaf = new Map([...connected, [heard.mark, connected.get(heard.mark)!.slice(0, 1)] as const]);
    expect(unheard(deeds, deaf)).toEqual([`I17: ${heard.mark} has taken in the bank's word 0 times`]);

    const [id, story] = [...sessions].find(([, told]) => told.some(({ type }) => type === 'AttemptSucceeded'))!;
    const withUseAfterEnd = new Map([[id, [...story, ...story.filter(({ type }) => type === 'AttemptClaimed')]]]);
    expect(brokenRules(withUseAfterEnd)).not.toEqual([]);
    const unsettled = new Map([...sessions, [id, story.filter(({ type }) => type !== 'AttemptSucceeded')] as const]);
    expect(disagreements(unsettled, connected)).toHaveLength(1);

    const table = await ofService<{ id: string; label: string }>('link-session', 'select * from link_sessions');
    const spoilt = table.map((row, n) => (n === 0 ? { ...row, label: 'spoilt' } : row));
    expect(await differFromReplay(linkSessions, spoilt, events)).toHaveLength(1);
    expect(await differFromReplay(linkSessions, table.slice(1), events)).toHaveLength(1);
  });
});

const follows = (later: Recorded, first: Recorded): boolean =>
  later.stream === first.stream && later.revision === first.revision + 1n;
