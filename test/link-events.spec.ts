import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Api, newCaller, newUser } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';

const stack = sharedStack();
let api: Api;
let key: string;
let user_id: string;

interface Event {
  id: string;
  status: string;
}

beforeAll(async () => {
  const caller = await newCaller(stack.run());
  ({ api, key } = caller);
  user_id = await newUser(api);
});

/** Reads the stream to its end, or until `enough` events have come. */
interface Following {
  lastEventId?: string;
  enough?: number;
  onEvent?: (event: Event) => unknown;
}

async function follow(id: string, { lastEventId, enough = Infinity, onEvent }: Following = {}): Promise<Event[]> {
  const abort = new AbortController();
  const headers = { 'x-api-key': key, ...(lastEventId && { 'last-event-id': lastEventId }) };
  const response = await fetch(`${stack.url}/api/v1/connections/link/${id}/events`, { headers, signal: abort.signal });
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const events: Event[] = [];
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const match = /^id: (\d+)\nevent: session\ndata: (.*)$/.exec(text.slice(0, end));
      text = text.slice(end + 2);
      if (!match) continue;
      const event = { id: match[1]!, status: (JSON.parse(match[2]!) as { status: string }).status };
      events.push(event);
      onEvent?.(event);
      if (events.length >= enough) {
        abort.abort();
        return events;
      }
    }
  }
  return events;
}

const mint = async () =>
  (await api.post('/api/v1/connections/link', { user_id })).body as { id: string; token: string };
const cancel = (id: string) => api.delete(`/api/v1/connections/link/${id}`);

describe('the events of a link session', () => {
  it('begin with its state, tell each change, and end with it', async () => {
    const { id } = await mint();
    const events = await follow(id, { onEvent: ({ status }) => status === 'pending' && cancel(id) });
    expect(events.map(({ status }) => status)).toEqual(['pending', 'failed']);
  });

  it('go on after Last-Event-ID, none lost and none twice', async () => {
    const { id } = await mint();
    const [first] = await follow(id, { enough: 1 });
    await cancel(id);
    const rest = await follow(id, { lastEventId: first!.id });
    expect(rest.map(({ status }) => status)).toEqual(['failed']);
    const headers = { 'last-event-id': rest[0]!.id };
    expect((await api.get(`/api/v1/connections/link/${id}/events`, headers)).status).toBe(204);
  });

  it('tell the last state of a session that has ended long ago', async () => {
    const { id } = await mint();
    await cancel(id);
    expect((await follow(id)).map(({ status }) => status)).toEqual(['failed']);
  });

  it('are refused as JSON: unknown sessions, others’ sessions, odd ids of events', async () => {
    const { id } = await mint();
    const { api: stranger } = await newCaller(stack.run());
    expect((await stranger.get(`/api/v1/connections/link/${id}/events`)).body.error.code).toBe('NOT_FOUND');
    expect((await api.get('/api/v1/connections/link/nope/events')).status).toBe(404);
    const odd = await api.get(`/api/v1/connections/link/${id}/events`, { 'last-event-id': 'x' });
    expect(odd.body.error.code).toBe('VALIDATION_ERROR');
  });
});
