import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { credentials as channelCredentials, type ServiceError } from '@grpc/grpc-js';
import {
  AccessDeniedError,
  ANY,
  BACKWARDS,
  binaryEvent,
  DeadlineExceededError,
  END,
  EventStoreDBClient,
  eventTypeFilter,
  excludeSystemEvents,
  jsonEvent,
  MaxAppendSizeExceededError,
  NO_STREAM,
  type Position,
  type ResolvedEvent,
  START,
  STREAM_EXISTS,
  StreamDeletedError,
  StreamNotFoundError,
  streamNameFilter,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Empty, StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
import { AppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import {
  all,
  event,
  events,
  idOf,
  loginOf,
  next,
  nextEvents,
  numberOf,
  numbers,
  range,
  reason,
  unique,
  until,
} from './event-store-client.js';
import { signedInClient } from '#eventstore/signed-in-client.js';
import { startStack, type Stack } from '#testing/stack.js';

/** The server under contract: the one that EVENTSTORE_URL names, or our own, started here. */
const outsideUrl = process.env.EVENTSTORE_URL;
const onlyOurs = outsideUrl ? it.skip : it;
if (outsideUrl) {
  process.stderr.write(
    '\n*** SKIPPED: EVENTSTORE_URL names the event store, so it is not killed and its limits are not probed ***\n',
  );
}

let stack: Stack | undefined;
let url: string;
let client: EventStoreDBClient;

beforeAll(async () => {
  stack = outsideUrl ? undefined : await startStack({ parts: ['postgres', 'eventstore'], servers: 'local' });
  url = outsideUrl ?? (stack as Stack).run().eventstore.url;
  client = signedInClient(url);
});
afterAll(async () => {
  await client.dispose();
  await stack?.stop();
});

/** The client uses the unary Append for calls with credentials, and BatchAppend for all others. */
const withCredentials = { credentials: { username: 'admin', password: 'changeit' } };

describe.each([
  ['BatchAppend', {}],
  ['Append', withCredentials],
])('appending by %s', (_rpc, options) => {
  const append = (stream: string, proposed: Parameters<EventStoreDBClient['appendToStream']>[1], more = {}) =>
    client.appendToStream(stream, proposed, { ...options, ...more });

  it('begins a stream that is expected not to exist', async () => {
    const stream = unique('new');
    const result = await append(stream, event(1), { expectedRevision: NO_STREAM });
    expect(result).toMatchObject({ success: true, nextExpectedRevision: 0n });
    expect(await numbers(client.readStream(stream))).toEqual([1]);
  });

  it('numbers the events of a stream without gaps, and all of them in one order', async () => {
    const stream = unique('numbered');
    const first = await append(stream, events(3), { expectedRevision: NO_STREAM });
    const second = await append(stream, events(2), { expectedRevision: first.nextExpectedRevision });
    expect([first.nextExpectedRevision, second.nextExpectedRevision]).toEqual([2n, 4n]);
    const read = await all(client.readStream(stream));
    expect(read.map(({ event: recorded }) => recorded?.revision)).toEqual([0n, 1n, 2n, 3n, 4n]);
    const positions = read.map(({ event: recorded }) => (recorded?.position as Position).commit);
    expect(positions.every((position, i) => i === 0 || position > (positions[i - 1] as bigint))).toBe(true);
    expect(positions.at(-1)).toBe(second.position?.commit);
  });

  it('takes any revision, whether the stream exists or not', async () => {
    const stream = unique('any');
    expect((await append(stream, event(), { expectedRevision: ANY })).nextExpectedRevision).toBe(0n);
    expect((await append(stream, event(), { expectedRevision: ANY })).nextExpectedRevision).toBe(1n);
  });

  it('demands that the stream exists', async () => {
    const stream = unique('exists');
    const refused = append(stream, event(), { expectedRevision: STREAM_EXISTS });
    await expect(refused).rejects.toMatchObject({ streamName: stream, actualVersion: 'no_stream' });
    await append(stream, event());
    expect((await append(stream, event(), { expectedRevision: STREAM_EXISTS })).nextExpectedRevision).toBe(1n);
  });

  it.each([
    ['an earlier revision', 0n],
    ['a later revision', 7n],
    ['no stream', NO_STREAM],
  ])('is refused when it expects %s', async (_name, expectedRevision) => {
    const stream = unique('conflict');
    await append(stream, events(3));
    const error = await reason(append(stream, event(), { expectedRevision }));
    expect(error).toBeInstanceOf(WrongExpectedVersionError);
    expect(error).toMatchObject({ streamName: stream, expectedVersion: expectedRevision, actualVersion: 2n });
    expect(await all(client.readStream(stream))).toHaveLength(3);
  });

  it.each([['no_stream'], ['any'], ['stream_exists'], [1n]] as const)(
    'writes a repeat under %s only once and answers it as before',
    async (expectedRevision) => {
      const stream = unique('repeat');
      if (expectedRevision !== NO_STREAM) await append(stream, [event('a'), event('b')]);
      const batch = events(3);
      const first = await append(stream, batch, { expectedRevision });
      await append(stream, event('later'));
      const again = await append(stream, batch, { expectedRevision });
      expect(again.nextExpectedRevision).toBe(first.nextExpectedRevision);
      expect(await all(client.readStream(stream))).toHaveLength(Number(first.nextExpectedRevision) + 2);
    },
  );

  it('refuses what repeats a part of an append and adds something', async () => {
    const stream = unique('overlap');
    const [a, b, c] = [event('a'), event('b'), event('c')];
    await append(stream, [a, b], { expectedRevision: NO_STREAM });
    for (const proposed of [
      [a, c],
      [b, a],
      [a, b, c],
    ]) {
      const refused = append(stream, proposed, { expectedRevision: NO_STREAM });
      await expect(refused).rejects.toBeInstanceOf(WrongExpectedVersionError);
    }
    await expect(append(stream, [a, c])).rejects.toBeInstanceOf(WrongExpectedVersionError);
    expect(await numbers(client.readStream(stream))).toEqual(['a', 'b']);
  });

  it('lets exactly one of many win the same revision', async () => {
    const stream = unique('race');
    const race = range(1, 20).map((n) => append(stream, event(n), { expectedRevision: NO_STREAM }));
    const results = await Promise.allSettled(race);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await all(client.readStream(stream))).toHaveLength(1);
  });

  it('keeps bytes, text and metadata as they came', async () => {
    const stream = unique('łódź-事件');
    const bytes = Uint8Array.from([0, 1, 127, 128, 255]);
    await append(stream, [
      binaryEvent({ type: 'Raw', data: bytes, metadata: Uint8Array.from([255, 0]) }),
      jsonEvent({ type: 'Ünïcødé', data: { text: 'naïve 𝕏 \u0000' }, metadata: { actor: 'key' } }),
    ]);
    const [raw, json] = (await all(client.readStream(stream))).map(({ event: recorded }) => recorded);
    expect(raw).toMatchObject({ streamId: stream, type: 'Raw', isJson: false });
    expect([...(raw?.data as Uint8Array)]).toEqual([...bytes]);
    expect([...(raw?.metadata as Uint8Array)]).toEqual([255, 0]);
    expect(json).toMatchObject({ type: 'Ünïcødé', data: { text: 'naïve 𝕏 \u0000' }, metadata: { actor: 'key' } });
    expect(Math.abs(Date.now() - Number(json?.created))).toBeLessThan(60_000);
  });

  it('takes just under 1 MiB and refuses more', async () => {
    const stream = unique('large');
    const large = (bytes: number) => binaryEvent({ type: 'Large', data: new Uint8Array(bytes) });
    await append(stream, large(1024 * 1024 - 100));
    const error = await reason(append(stream, [large(600_000), large(600_000)]));
    expect(error).toBeInstanceOf(MaxAppendSizeExceededError);
    expect(error).toMatchObject({ maxAppendSize: 1024 * 1024 });
    expect(await all(client.readStream(stream))).toHaveLength(1);
  });

  it('is refused on a tombstoned stream', async () => {
    const stream = unique('tombstoned');
    await append(stream, event());
    await client.tombstoneStream(stream);
    const error = await reason(append(stream, event()));
    expect(error).toBeInstanceOf(StreamDeletedError);
    expect(error).toMatchObject({ streamName: stream });
  });

  onlyOurs('is refused on $all, and without an id that is a UUID', async () => {
    await expect(append('$all', event())).rejects.toBeInstanceOf(AccessDeniedError);
    const unnamed = { ...event(), id: 'not-a-uuid' };
    await expect(append(unique('id'), unnamed)).rejects.toBeInstanceOf(UnknownError);
  });
});

describe('reading a stream', () => {
  const stream = unique('read');
  const last = 2_499;
  beforeAll(() => client.appendToStream(stream, events(last + 1)));

  it('goes forwards and backwards over all of it', async () => {
    expect(await numbers(client.readStream(stream))).toEqual(range(0, last));
    expect(await numbers(client.readStream(stream, { direction: BACKWARDS, fromRevision: END }))).toEqual(
      range(last, 0),
    );
  });

  it.each([
    ['forwards from the start', { maxCount: 3 }, [0, 1, 2]],
    ['forwards from a revision, inclusive', { fromRevision: 10n, maxCount: 2 }, [10, 11]],
    ['forwards from beyond the end', { fromRevision: 9_999n }, []],
    ['forwards from the end', { fromRevision: END }, []],
    ['backwards from the end', { direction: BACKWARDS, fromRevision: END, maxCount: 2 }, [last, last - 1]],
    ['backwards from a revision, inclusive', { direction: BACKWARDS, fromRevision: 1n }, [1, 0]],
    ['backwards from beyond the end', { direction: BACKWARDS, fromRevision: 9_999n, maxCount: 1 }, [last]],
    ['over several pages', { fromRevision: 20n, maxCount: 1_500 }, range(20, 1_519)],
  ] as const)('%s', async (_name, options, expected) => {
    expect(await numbers(client.readStream(stream, options))).toEqual(expected);
  });

  it('says that a stream does not exist', async () => {
    const missing = unique('missing');
    const error = await reason(all(client.readStream(missing)));
    expect(error).toBeInstanceOf(StreamNotFoundError);
    expect(error).toMatchObject({ streamName: missing });
  });

  onlyOurs('refuses a name that cannot be, and nobody else notices', async () => {
    const links = unique('links');
    const impossible = unique('im\0possible');
    await client.appendToStream(links, binaryEvent({ type: '$>', data: Buffer.from(`0@${impossible}`) }));
    const appends = () => range(1, 20).map((n) => client.appendToStream(unique('innocent'), event(n)));
    const [read, subscribed, [link]] = await Promise.all([
      reason(all(client.readStream(impossible))),
      reason(all(client.subscribeToStream(impossible))),
      all(client.readStream(links, { resolveLinkTos: true })),
      ...appends(),
    ]);
    expect([read, subscribed].map((error) => (error as ServiceError).message)).toEqual(
      range(1, 2).map(() => expect.stringContaining('cannot hold NUL')),
    );
    expect(link?.link?.streamId).toBe(links);
    expect(link?.event).toBeUndefined();
  });
});

describe('reading $all', () => {
  it('goes on from where an event begins: inclusive forwards, exclusive backwards', async () => {
    const stream = unique('all');
    const positions: Position[] = [];
    for (const n of range(0, 4)) positions.push((await client.appendToStream(stream, event(n))).position as Position);
    const own = async (read: AsyncIterable<ResolvedEvent>) =>
      (await all(read)).filter(({ event: recorded }) => recorded?.streamId === stream).map(numberOf);
    const from = positions[2] as Position;
    expect(await own(client.readAll({ fromPosition: from, maxCount: 1 }))).toEqual([2]);
    expect(await own(client.readAll({ fromPosition: from }))).toEqual([2, 3, 4]);
    expect(await own(client.readAll({ fromPosition: from, direction: BACKWARDS }))).toEqual([1, 0]);
    expect(await own(client.readAll({ fromPosition: END, direction: BACKWARDS }))).toEqual([4, 3, 2, 1, 0]);
    expect(await all(client.readAll({ fromPosition: END }))).toEqual([]);
    const within = { commit: from.commit - 1n, prepare: from.commit - 1n };
    expect(await reason(all(client.readAll({ fromPosition: within })))).toBeInstanceOf(UnknownError);
  });

  it('begins with events of the system', async () => {
    const [first] = await all(client.readAll({ fromPosition: START, maxCount: 1 }));
    expect(first?.event?.streamId).toMatch(/^\$/);
  });

  it('follows a link to the event it names', async () => {
    const stream = unique('linked');
    const links = unique('links');
    await client.appendToStream(stream, [event('a'), event('b')]);
    const link = binaryEvent({ type: '$>', data: Buffer.from(`1@${stream}`) });
    await client.appendToStream(links, link);
    const [resolved] = await all(client.readStream(links, { resolveLinkTos: true }));
    expect(resolved).toMatchObject({ event: { streamId: stream, data: { n: 'b' } }, link: { streamId: links } });
  });
});

describe('subscribing to a stream', () => {
  it('brings what is there and then what comes, in order', async () => {
    const stream = unique('sub');
    await client.appendToStream(stream, events(3));
    const subscription = client.subscribeToStream(stream, { fromRevision: START });
    subscription.once('caughtUp', () => void client.appendToStream(stream, [event(3), event(4)]));
    expect(await next(subscription, 5)).toEqual([0, 1, 2, 3, 4]);
  });

  it('goes on after a revision', async () => {
    const stream = unique('sub');
    await client.appendToStream(stream, events(5));
    expect(await next(client.subscribeToStream(stream, { fromRevision: 2n }), 2)).toEqual([3, 4]);
  });

  it('from the end brings only what is new', async () => {
    const stream = unique('sub');
    await client.appendToStream(stream, events(3));
    const subscription = client.subscribeToStream(stream, { fromRevision: END });
    subscription.once('caughtUp', () => void client.appendToStream(stream, event('new')));
    expect(await next(subscription, 1)).toEqual(['new']);
  });

  it('waits for a stream that does not exist yet', async () => {
    const stream = unique('sub');
    const subscription = client.subscribeToStream(stream);
    subscription.once('caughtUp', () => void client.appendToStream(stream, event('first')));
    expect(await next(subscription, 1)).toEqual(['first']);
  });

  it('ends with an error when the stream is tombstoned', async () => {
    const stream = unique('sub');
    await client.appendToStream(stream, event());
    const subscription = client.subscribeToStream(stream);
    subscription.once('caughtUp', () => void client.tombstoneStream(stream));
    await expect(all(subscription)).rejects.toBeInstanceOf(StreamDeletedError);
  });
});

describe('subscribing to $all', () => {
  it('filters by prefixes and by regular expressions, of streams and of types', async () => {
    const id = randomUUID().replaceAll('-', '');
    const start = (await client.appendToStream(`first-${id}`, event('start'))).position as Position;
    await client.appendToStream(`key-${id}-1`, event(1, `Created${id}`));
    await client.appendToStream(`session-${id}`, event(2, `Minted${id}`));
    await client.appendToStream(`other-${id}`, event(3, `Created${id}More`));
    await client.setStreamMetadata(`key-${id}-1`, { maxCount: 100 });
    await client.appendToStream(`key-${id}-2`, event(4, `Other${id}`));
    const wanted: [Parameters<typeof client.subscribeToAll>[0], unknown[]][] = [
      [{ filter: streamNameFilter({ prefixes: [`key-${id}`, `session-${id}`] }) }, [1, 2, 4]],
      [{ filter: streamNameFilter({ regex: `^(key|other)-${id}` }) }, [1, 3, 4]],
      [{ filter: eventTypeFilter({ prefixes: [`Created${id}`] }) }, [1, 3]],
      [{ filter: eventTypeFilter({ regex: `${id}$` }) }, [1, 2, 4]],
      [{ filter: excludeSystemEvents() }, [1, 2, 3, 4]],
    ];
    for (const [options, expected] of wanted) {
      const subscription = client.subscribeToAll({ fromPosition: start, ...options });
      expect(await next(subscription, expected.length)).toEqual(expected);
    }
  });

  it('reports positions also while nothing matches, from which nothing is missed', async () => {
    const prefix = unique('quiet');
    const start = (await client.appendToStream(unique('noise'), event())).position as Position;
    for (const stream of range(1, 5).map(() => unique('noise'))) await client.appendToStream(stream, events(20));
    const reached: Position[] = [];
    const filter = streamNameFilter({
      prefixes: [prefix],
      maxSearchWindow: 10,
      checkpointInterval: 2,
      checkpointReached: (_subscription, position) => {
        reached.push(position);
      },
    });
    const quiet = client.subscribeToAll({ fromPosition: start, filter });
    await once(quiet.resume(), 'caughtUp');
    await quiet.unsubscribe();
    expect(reached.length).toBeGreaterThanOrEqual(5);
    expect([...reached].sort((a, b) => Number(a.commit - b.commit))).toEqual(reached);
    await client.appendToStream(prefix, event('match'));
    const again = client.subscribeToAll({ fromPosition: reached.at(-1) as Position, filter });
    expect(await next(again, 1)).toEqual(['match']);
  });

  it('says that it caught up after the last event there was', async () => {
    const prefix = unique('caught');
    await client.appendToStream(prefix, events(1_200));
    const seen: unknown[] = [];
    const subscription = client.subscribeToAll({ filter: streamNameFilter({ prefixes: [prefix] }) });
    subscription.on('data', (resolved: ResolvedEvent) => seen.push(numberOf(resolved)));
    await once(subscription, 'caughtUp');
    await until(() => seen.length === 1_200);
    await subscription.unsubscribe();
    expect(seen).toEqual(range(0, 1_199));
  });

  it('brings every event to each of several subscribers once and in order, while many write', async () => {
    const prefix = unique('busy');
    const filter = streamNameFilter({ prefixes: [prefix] });
    const total = 1_000;
    const subscribers = range(1, 3).map(() =>
      nextEvents(client.subscribeToAll({ fromPosition: START, filter }), total),
    );
    const writers = range(1, 20).map(async (writer) => {
      for (let n = 0; n < total / 20; n++) await client.appendToStream(`${prefix}-${writer}`, event(n));
    });
    await Promise.all(writers);
    const stored = (await all(client.readAll())).filter(({ event: recorded }) => recorded?.streamId.startsWith(prefix));
    for (const seen of await Promise.all(subscribers)) expect(seen.map(idOf)).toEqual(stored.map(idOf));
  });
});

describe('an error tells the client its class', () => {
  it('when the time of an append is over before it is decided', async () => {
    const late = client.appendToStream(unique('late'), event(), { deadline: -1_000 });
    await expect(late).rejects.toBeInstanceOf(DeadlineExceededError);
  });

  it('when a required property is missing', async () => {
    const address = new URL(url.replace('esdb:', 'http:')).host;
    const raw = new StreamsClient(address, channelCredentials.createInsecure());
    const error = await new Promise<ServiceError | null>((resolve) => {
      const call = raw.append(loginOf(url), (failure) => resolve(failure));
      const identifier = new StreamIdentifier().setStreamName(Buffer.from(unique('raw')).toString('base64'));
      const options = new AppendReq.Options().setStreamIdentifier(identifier).setAny(new Empty());
      call.write(new AppendReq().setOptions(options));
      const message = new AppendReq.ProposedMessage().setId(new UUID().setString(randomUUID()));
      message.getMetadataMap().set('type', 'T');
      call.write(new AppendReq().setProposedMessage(message));
      call.end();
    });
    raw.close();
    expect(error?.metadata.get('exception')).toEqual(['missing-required-metadata-property']);
    expect(error?.metadata.get('required-metadata-properties')).toEqual(['type,content-type']);
  });

  it('when nobody listens', async () => {
    const nowhere = EventStoreDBClient.connectionString('esdb://127.0.0.1:1?tls=false');
    await expect(nowhere.appendToStream('a', event(), withCredentials)).rejects.toBeInstanceOf(UnavailableError);
    await nowhere.dispose();
  });
});
