import {
  decideAppend,
  decideRepeat,
  type AppendQuestion,
  type FinalVerdict,
  type StoredId,
  type WrittenEvent,
} from './decide-append.js';
import { sizeOf } from './event.js';
import { Group, type LogEnd, type WriteAnswer, type WriteRequest } from './group.js';
import { ShuttingDown, StreamDeleted, TimedOut, WrongExpectedVersion } from './refusals.js';
import { ownerOf, viewOf, type StreamState } from './stream-state.js';
import { type StreamStates } from './stream-states.js';
import { type TwoGenerationMap } from './two-generation-map.js';

/** What the writer needs from the rest of the log. */
export interface WriterParts {
  readonly states: StreamStates;
  /** Recently committed events by id. */
  readonly recent: TwoGenerationMap<WrittenEvent>;
  /** Makes the group durable in one transaction; rejects if it is not. */
  readonly commit: (group: Group) => Promise<void>;
  readonly storedIds: (stream: string, firstRevision: bigint, count: number) => Promise<StoredId[]>;
  /** Shows a committed group to the readers. */
  readonly publish: (group: Group) => void;
}

/** Caps of one transaction, and of what may wait for the next. */
const MAX_GROUP_EVENTS = 2_048;
const MAX_GROUP_BYTES = 8 * 1024 * 1024;
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

interface Queued {
  readonly request: WriteRequest;
  readonly bytes: number;
  readonly resolve: (answer: WriteAnswer) => void;
  readonly reject: (reason: unknown) => void;
}

type Outcome = WriteAnswer | Error;

/**
 * The only writer. `submit` queues; one loop decides everything queued, in order, and commits it as one group. The
 * next group starts after that commit, so positions become visible strictly in order and no gap is ever filled later.
 */
export class Writer {
  #queue: Queued[] = [];
  #queuedBytes = 0;
  #draining: Promise<void> | undefined;
  #closed = false;
  #end: LogEnd;
  readonly #parts: WriterParts;

  constructor(end: LogEnd, parts: WriterParts) {
    this.#end = end;
    this.#parts = parts;
  }

  /** Resolves once the write is durable. A rejection that is no refusal leaves the outcome unknown to the caller. */
  submit(request: WriteRequest): Promise<WriteAnswer> {
    if (this.#closed) return Promise.reject(new ShuttingDown());
    if (this.#queuedBytes > MAX_QUEUED_BYTES) return Promise.reject(new TimedOut('the write queue is full'));
    // The load of an unknown stream overlaps the commit of the group before.
    void this.#parts.states.of(request.stream);
    const bytes = request.events.reduce((sum, event) => sum + sizeOf(event), 0);
    return new Promise((resolve, reject) => this.#enqueue({ request, bytes, resolve, reject }));
  }

  /** Refuses new writes and resolves when those already queued are answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  #enqueue(queued: Queued): void {
    this.#queue.push(queued);
    this.#queuedBytes += queued.bytes;
    this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    // Requests that arrive in the same turn of the event loop share the first group.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) await this.#writeGroup(this.#takeGroup());
    this.#draining = undefined;
  }

  #takeGroup(): Queued[] {
    let events = 0;
    let bytes = 0;
    let taken = 0;
    for (const queued of this.#queue) {
      events += queued.request.events.length;
      bytes += queued.bytes;
      if (taken > 0 && (events > MAX_GROUP_EVENTS || bytes > MAX_GROUP_BYTES)) break;
      this.#queuedBytes -= queued.bytes;
      taken++;
    }
    return this.#queue.splice(0, taken);
  }

  async #writeGroup(members: readonly Queued[]): Promise<void> {
    try {
      const group = new Group(this.#end);
      const outcomes: Outcome[] = [];
      for (const { request } of members) {
        const loaded = await this.#parts.states.of(request.stream);
        outcomes.push(await this.#decide(request, group, loaded));
      }
      if (group.events.length > 0) await this.#commit(group);
      // Also what wrote nothing is answered only now: it may speak of events of this group.
      members.forEach(({ resolve, reject }, i) => {
        const outcome = outcomes[i] as Outcome;
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
    } catch (error) {
      for (const { reject } of members) reject(error);
    }
  }

  /** Decides one request on top of those before it in the group. */
  async #decide(request: WriteRequest, group: Group, loaded: StreamState): Promise<Outcome> {
    if (request.deadline <= Date.now()) return new TimedOut('the deadline passed in the queue');
    const state = group.states.get(ownerOf(request.stream)) ?? loaded;
    const question = this.#question(request, group, state);
    const verdict = await this.#judge(question);
    const { revision } = question.view;
    switch (verdict.kind) {
      case 'write':
        return group.write(request, revision, state) ?? new WrongExpectedVersion(revision);
      case 'already_written':
        return verdict;
      case 'deleted':
        return new StreamDeleted();
      case 'wrong_expected_version':
        return new WrongExpectedVersion(revision);
    }
  }

  #question({ stream, expected, events }: WriteRequest, group: Group, state: StreamState): AppendQuestion {
    const written = (id: string) => group.written.get(id) ?? this.#parts.recent.get(id);
    return { stream, expected, eventIds: events.map((event) => event.id), view: viewOf(stream, state), written };
  }

  async #judge(question: AppendQuestion): Promise<FinalVerdict> {
    const verdict = decideAppend(question);
    if (verdict.kind !== 'compare_stored') return verdict;
    const { stream, eventIds } = question;
    const stored = await this.#parts.storedIds(stream, verdict.firstRevision, eventIds.length);
    return decideRepeat(question, verdict.firstRevision, stored);
  }

  async #commit(group: Group): Promise<void> {
    const { commit, states, recent, publish } = this.#parts;
    await commit(group);
    this.#end = group.end;
    for (const [owner, state] of group.states) states.replace(owner, state);
    for (const [id, place] of group.written) recent.set(id, place);
    publish(group);
  }
}
