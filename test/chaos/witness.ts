import type { Answer } from '#testing/api.js';

/** An HTTP request of the load and how it ended; without a status its connection was cut. */
export interface Call {
  name: string;
  /** Milliseconds since the epoch. */
  at: number;
  ms: number;
  status: number | null;
  complaint: string | null;
}

/** A wish that changes something: what became of it must stand in the event store. */
export interface Deed {
  kind: 'user' | 'mint' | 'cancel' | 'disconnect' | 'require-login' | 'finish';
  /** `sure`: answered 2xx. `refused`: answered 4xx. `unknown`: 503, or cut. */
  outcome: 'sure' | 'refused' | 'unknown';
  /** The unique name or label that it carries, else the id of the thing. */
  mark: string;
  id?: string;
}

/** `html`: a page for people. `never`: a status that would be a broken promise here. */
interface Expected {
  html?: boolean;
  never?: number;
}

/** Remembers what the clients were told. */
export class Witness {
  readonly calls: Call[] = [];
  readonly deeds: Deed[] = [];
  /** Answers to one wish, repeated under one Idempotency-Key, that were not the same. */
  readonly differing: string[] = [];

  /** Null when the connection was cut before an answer. */
  async watch(name: string, request: () => Promise<Answer>, expected: Expected = {}): Promise<Answer | null> {
    const at = Date.now();
    const answer = await request().catch(() => null);
    const complaint = answer && complaintOf(answer, expected);
    this.calls.push({ name, at, ms: Date.now() - at, status: answer?.status ?? null, complaint });
    return answer;
  }

  note(kind: Deed['kind'], mark: string, answer: Answer | null): Deed {
    const outcome = !answer || answer.status >= 500 ? 'unknown' : answer.status < 300 ? 'sure' : 'refused';
    const deed: Deed = { kind, outcome, mark };
    if (outcome === 'sure' && typeof answer!.body?.id === 'string') deed.id = answer!.body.id as string;
    this.deeds.push(deed);
    return deed;
  }
}

/** What is wrong with the form of an answer: whatever is down, a caller gets its envelope, and 503 says when to come back. */
function complaintOf({ status, headers, body, text }: Answer, { html, never }: Expected): string | null {
  const said = `${status} ${text.slice(0, 200)}`;
  if (status === never) return `must not be: ${said}`;
  if (status >= 500 && status !== 503) return `a bare failure: ${said}`;
  if (status === 503 && !headers.get('retry-after')) return `503 without Retry-After: ${said}`;
  if (html || status === 204) return null;
  if (!/^application\/json/.test(headers.get('content-type') ?? '')) return `not JSON: ${said}`;
  if (status < 400) return null;
  const { code, message } = (body?.error ?? {}) as { code?: unknown; message?: unknown };
  return typeof code === 'string' && typeof message === 'string' ? null : `not the envelope: ${said}`;
}
