import { describe, expect, it } from '@jest/globals';
import { serverSentEvents } from './server-sent-events.js';

const text =
  ': waiting\nid: 6\n\nid: 7\nevent: entry\ndata: {"a":"é"}\n\nid: 8\nevent: entry\ndata: 1\ndata: 2\n\nid: 9\n';

async function* cut(size: number) {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

describe('Server-Sent Events', () => {
  it.each([1, 2, 3, 7, 1_000])('are read whole, wherever the bytes are cut (%i)', async (size) => {
    const events: unknown[] = [];
    for await (const event of serverSentEvents(cut(size))) events.push(event);
    expect(events).toEqual([
      { id: '6', event: 'message', data: '' },
      { id: '7', event: 'entry', data: '{"a":"é"}' },
      { id: '8', event: 'entry', data: '1\n2' },
    ]);
  });
});
