import { setTimeout as wait } from 'node:timers/promises';
import type { Entry } from '#contracts/api/audit.js';
import { serverSentEvents } from '#contracts/server-sent-events.js';
import { answerOf, auditAt, headersOf, refusalOf } from './api.js';
import { CliError } from './errors.js';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;
/** The stream says every three seconds that it is there. */
const SILENCE_MS = 15_000;

export interface Place {
  url: string;
  key: string;
  query: Record<string, string | undefined>;
  /** The position behind which it begins. */
  after: string;
}

/** Entries as they come, for ever: when the connection or the server goes away it resumes where it stood. */
export async function* liveEntries({ url, key, query, after }: Place): AsyncGenerator<Entry> {
  const given = Object.entries(query).filter((one): one is [string, string] => one[1] !== undefined);
  const search = String(new URLSearchParams(given));
  const address = `${url}${auditAt(key)}/stream${search && `?${search}`}`;
  let last = after;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const silence = new Silence();
    try {
      const headers = { ...headersOf(key), 'Last-Event-ID': last };
      const response = await answerOf(address, { headers, signal: silence.signal });
      if (!response.ok) await refuseUnlessPassing(response);
      for await (const { id, event, data } of serverSentEvents(silence.watch(response.body!))) {
        pause = FIRST_PAUSE_MS;
        if (event === 'entry') yield JSON.parse(data) as Entry;
        last = id ?? last;
      }
    } catch (error) {
      if (error instanceof CliError) throw error;
    } finally {
      silence.end();
    }
    await wait(pause);
  }
}

/** A part that is away comes back, and who asks too often may ask later; everything else stays as it is. */
async function refuseUnlessPassing(response: Response): Promise<never> {
  const refusal = await refusalOf(response);
  throw response.status >= 500 || response.status === 429 ? new Error(refusal.message) : refusal;
}

/** Gives up a connection on which nothing has come for too long. */
class Silence {
  private readonly abort = new AbortController();
  private timer = this.begin();

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  async *watch(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      this.end();
      this.timer = this.begin();
      yield chunk;
    }
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private begin(): NodeJS.Timeout {
    return setTimeout(() => this.abort.abort(), SILENCE_MS);
  }
}
