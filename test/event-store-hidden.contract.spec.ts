import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  BACKWARDS,
  binaryEvent,
  END,
  type EventStoreDBClient,
  NO_STREAM,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { signedInClient } from '#eventstore/signed-in-client.js';
import { startStack, type Stack } from '#testing/stack.js';
import { all, event, events, next, numbers, reason, unique, until } from './event-store-client.js';

/** What may no longer be read, of the server that EVENTSTORE_URL names, or of our own, started here. */
let stack: Stack | undefined;
let client: EventStoreDBClient;

beforeAll(async () => {
  const outsideUrl = process.env.EVENTSTORE_URL;
  stack = outsideUrl ? undefined : await startStack({ parts: ['postgres', 'eventstore'], servers: 'local' });
  client = signedInClient(outsideUrl ?? (stack as Stack).run().eventstore.url);
});
afterAll(async () => {
  await client.dispose();
  await stack?.stop();
});

describe('deleting', () => {
  it('hides a stream, which goes on at its next revision when it is written again', async () => {
    const stream = unique('deleted');
    await client.appendToStream(stream, events(3));
    await client.deleteStream(stream, { expectedRevision: 2n });
    await expect(all(client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError);
    const revived = await client.appendToStream(stream, event('new'), { expectedRevision: NO_STREAM });
    expect(revived.nextExpectedRevision).toBe(3n);
    expect(await numbers(client.readStream(stream))).toEqual(['new']);
  });

  it('hides the old events also when metadata is written before anything else', async () => {
    const stream = unique('deleted');
    await client.appendToStream(stream, events(3));
    await client.deleteStream(stream, { expectedRevision: 2n });
    await client.setStreamMetadata(stream, { maxCount: 2 });
    expect(await numbers(client.readStream(stream))).toEqual([]);
    expect((await client.getStreamMetadata(stream)).metadata).toEqual({ maxCount: 2, truncateBefore: 3 });
    await client.appendToStream(stream, event('new'), { expectedRevision: 2n });
    expect(await numbers(client.readStream(stream))).toEqual(['new']);
  });

  it('is refused at another revision', async () => {
    const stream = unique('deleted');
    await client.appendToStream(stream, events(3));
    for (const remove of [client.deleteStream.bind(client), client.tombstoneStream.bind(client)]) {
      const error = await reason(remove(stream, { expectedRevision: 1n }));
      expect(error).toBeInstanceOf(WrongExpectedVersionError);
      expect(error).toMatchObject({ streamName: stream, expectedVersion: 1n, actualVersion: 2n });
    }
  });

  it('by tombstone is for ever', async () => {
    const stream = unique('deleted');
    await client.appendToStream(stream, event());
    await client.tombstoneStream(stream);
    const error = await reason(all(client.readStream(stream)));
    expect(error).toBeInstanceOf(StreamDeletedError);
    expect(error).toMatchObject({ streamName: stream });
    await expect(client.deleteStream(stream)).rejects.toBeInstanceOf(StreamDeletedError);
    await expect(client.tombstoneStream(stream)).rejects.toBeInstanceOf(StreamDeletedError);
  });
});

describe('metadata of a stream', () => {
  it('is kept whole and versioned', async () => {
    const stream = unique('meta');
    await client.appendToStream(stream, event());
    expect((await client.getStreamMetadata(stream)).metadata).toBeUndefined();
    const metadata = { maxCount: 7, owner: 'somebody', nested: { deep: [1, 2] } };
    await client.setStreamMetadata(stream, metadata, { expectedRevision: NO_STREAM });
    const refused = client.setStreamMetadata(stream, {}, { expectedRevision: 4n });
    await expect(refused).rejects.toBeInstanceOf(WrongExpectedVersionError);
    expect((await client.getStreamMetadata(stream)).metadata).toEqual(metadata);
  });

  it.each([
    ['$maxCount', { maxCount: 2 }, [8, 9]],
    ['$tb', { truncateBefore: 7 }, [7, 8, 9]],
  ])('%s hides older events in both directions', async (_name, metadata, visible) => {
    const stream = unique('meta');
    await client.appendToStream(stream, events(10));
    await client.setStreamMetadata(stream, metadata);
    expect(await numbers(client.readStream(stream))).toEqual(visible);
    const backwards = client.readStream(stream, { direction: BACKWARDS, fromRevision: END });
    expect(await numbers(backwards)).toEqual([...visible].reverse());
    expect(await next(client.subscribeToStream(stream), visible.length)).toEqual(visible);
  });

  it('$maxAge hides events when they grow old', async () => {
    const stream = unique('meta');
    await client.appendToStream(stream, event());
    await client.setStreamMetadata(stream, { maxAge: 1 });
    await until(async () => (await all(client.readStream(stream))).length === 0);
    await client.appendToStream(stream, event('young'));
    expect(await numbers(client.readStream(stream))).toEqual(['young']);
  });
});

describe('a link', () => {
  /** What a link to the first of two events leads to once the stream is left as `hide` does it. */
  async function followed(hide: (stream: string) => Promise<unknown>) {
    const [stream, links] = [unique('linked'), unique('links')];
    await client.appendToStream(stream, [event('a'), event('b')]);
    await client.appendToStream(links, binaryEvent({ type: '$>', data: Buffer.from(`0@${stream}`) }));
    await hide(stream);
    const [resolved] = await all(client.readStream(links, { resolveLinkTos: true }));
    expect(resolved?.link).toMatchObject({ streamId: links });
    return resolved?.event;
  }

  it('leads to an event that can be read', async () => {
    expect(await followed(() => Promise.resolve())).toMatchObject({ data: { n: 'a' } });
  });

  const growOld = async (stream: string) => {
    await client.setStreamMetadata(stream, { maxAge: 1 });
    await until(async () => (await all(client.readStream(stream))).length === 0);
  };

  it.each<[string, (stream: string) => Promise<unknown>]>([
    ['truncated', (stream) => client.setStreamMetadata(stream, { truncateBefore: 1 })],
    ['limited', (stream) => client.setStreamMetadata(stream, { maxCount: 1 })],
    ['deleted', (stream) => client.deleteStream(stream)],
    ['tombstoned', (stream) => client.tombstoneStream(stream)],
    ['kept for a second', growOld],
  ])('leads nowhere when the stream of its event is %s', async (_name, hide) => {
    expect(await followed(hide)).toBeUndefined();
  });
});
