import type { Entry } from '#contracts/api/audit.js';
import { serverSentEvents } from '#contracts/server-sent-events.js';

export interface LiveStream {
  entries: Entry[];
  onEntry?: (entry: Entry) => void;
  /** What a reconnect would resume from; undefined before the first word. */
  lastId: string | undefined;
  status: Promise<number>;
  /** Resolves when the stream is over, whoever ended it. */
  over: Promise<void>;
  close(): void;
}

/** Follows the live timeline at this address over one connection. */
export function followEntries(url: string, headers: Record<string, string>, lastId?: string): LiveStream {
  const abort = new AbortController();
  const sent = { ...headers, ...(lastId !== undefined && { 'last-event-id': lastId }) };
  const response = fetch(url, { headers: sent, signal: abort.signal });
  const stream: LiveStream = {
    entries: [],
    lastId,
    status: response.then(({ status }) => status),
    over: Promise.resolve(),
    close: () => abort.abort(),
  };
  stream.status.catch(() => undefined);
  stream.over = response.then(async ({ ok, body }) => {
    for await (const { id, event, data } of serverSentEvents(ok ? body! : none())) {
      if (event === 'entry') {
        const entry = JSON.parse(data) as Entry;
        stream.entries.push(entry);
        stream.onEntry?.(entry);
      }
      stream.lastId = id ?? stream.lastId;
    }
  });
  stream.over = stream.over.catch(() => undefined);
  return stream;
}

async function* none(): AsyncGenerator<Uint8Array> {}
