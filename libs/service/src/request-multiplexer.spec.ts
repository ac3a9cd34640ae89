import { describe, expect, it, jest } from '@jest/globals';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { RequestMultiplexer } from './request-multiplexer.js';

type Callback = (error: Error | null, message: Msg) => void;

/** A connection whose far end is the test. */
function connectionTo(publish: (reply: string, answer: (message: object) => void) => void) {
  let hear!: Callback;
  let close!: () => void;
  const connection = {
    subscribe: (_subject: string, options: { callback: Callback }) => (hear = options.callback),
    publish: (_subject: string, _payload: string, { reply }: { reply: string }) =>
      publish(reply, (message) => setImmediate(() => hear(null, { subject: reply, ...message } as Msg))),
    closed: () => new Promise<void>((resolve) => (close = resolve)),
  };
  return {
    requests: new RequestMultiplexer(connection as unknown as NatsConnection, '_INBOX_test'),
    close: () => close(),
  };
}

const turn = () => new Promise(setImmediate);
const bytes = (text: string) => new TextEncoder().encode(text);

describe('a request on the bus', () => {
  it('leaves together with those of the same turn', async () => {
    const sent: string[] = [];
    const { requests } = connectionTo((reply, answer) => (sent.push(reply), answer({ data: bytes('') })));
    const asked = [requests.ask('a', '', 1_000), Promise.resolve().then(() => requests.ask('b', '', 1_000))];
    await Promise.resolve();
    expect(sent).toEqual([]);
    await Promise.all(asked);
    expect(sent).toHaveLength(2);
  });

  it('gets the answer to itself, whatever the order of the answers', async () => {
    const open: (() => void)[] = [];
    const { requests } = connectionTo((reply, answer) => open.push(() => answer({ data: bytes(reply) })));
    const asked = [requests.ask('a', '', 1_000), requests.ask('b', '', 1_000)];
    await turn();
    open.reverse().forEach((reply) => reply());
    const replies = await Promise.all(asked);
    for (const { data, subject } of replies) expect(new TextDecoder().decode(data)).toBe(subject);
    expect(replies[0]!.subject).not.toBe(replies[1]!.subject);
  });

  it('learns at once that nobody listens', async () => {
    const { requests } = connectionTo((_, answer) => answer({ data: bytes(''), headers: { code: 503 } }));
    await expect(requests.ask('a', '', 1_000)).rejects.toMatchObject({ nobody: true });
  });

  it('is not waited for beyond its time, and an answer that comes later is nobody’s', async () => {
    let late!: () => void;
    const { requests } = connectionTo((_, answer) => (late = () => answer({ data: bytes('late') })));
    await expect(requests.ask('a', '', 20)).rejects.toThrow('no answer within 20 ms');
    late();
    await turn();
  });

  it('is given up when the connection is closed', async () => {
    const { requests, close } = connectionTo(() => undefined);
    const asked = requests.ask('a', '', 1_000);
    close();
    await expect(asked).rejects.toMatchObject({ nobody: false });
  });

  it('fails with what the connection says, and leaves no timer behind', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const { requests } = connectionTo(() => {
      throw new Error('too large');
    });
    await expect(requests.ask('a', '', 1_000)).rejects.toThrow('too large');
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});
