import type { Context, Position, Tenant } from '#contracts/envelope.js';
import type { Erased, OpenedTexts, TextToOpen } from '#contracts/erasure.js';
import { DomainError } from '#contracts/errors.js';
import type { ErasePersonalText, PersonalKind } from '#contracts/personal-text.js';
import { isOf } from '#contracts/tenancy.js';
import { isErased } from '#eventstore/erasable.js';
import { readStream } from '#eventstore/read-stream.js';
import { type Placed, type Recorded, streamIdOf } from '#eventstore/recorded.js';
import { openText } from '#eventstore/sealed-text.js';
import { type KeysOf, nameOf } from '#eventstore/subject-keys.js';
import type { Store } from './store.js';

const AT_ONCE = 16;
/** The last of them must still be answered. */
const RESERVE_MS = 700;

export interface Erasing {
  id: string;
  command: ErasePersonalText;
  context: Context;
}

/** A stream whose text is gone, and where the event stands that says so. */
interface ErasedText {
  stream: string;
  position: Position;
}

type Erase = (wish: Erasing) => Promise<unknown>;

/** Opens and erases the personal text of the streams that a service owns. */
export class PersonalTexts {
  constructor(
    private readonly store: Store,
    /** By kind of stream, the handler of its commands. */
    private readonly erasers: Partial<Record<PersonalKind, Erase>>,
    /** By kind of stream, where it can grow too long to be read in one go: its erasures, among others of its events. */
    private readonly erasuresOf: Partial<Record<PersonalKind, (id: string) => Promise<Placed[]>>> = {},
  ) {}

  async open(texts: TextToOpen[]): Promise<OpenedTexts> {
    const nameIn = ({ stream, personal }: TextToOpen) => ({ stream, number: personal.key_number });
    const keys = await this.store.subjectKeys.find(texts.map(nameIn));
    const opened = texts.flatMap(({ event_id, stream, type, personal }) => {
      const key = keys.get(nameOf(nameIn({ event_id, stream, type, personal })));
      if (!key) return [];
      const { type: _type, ...fields } = openText({ type, personal }, { stream, event_id }, key);
      return [[event_id, fields] as const];
    });
    return Object.fromEntries(opened);
  }

  /** Does this stream exist, in this tenant? */
  async isOf(tenant: Tenant, stream: string): Promise<boolean> {
    const { events } = await readStream(this.store.client, stream, undefined, 1);
    return isOf(tenant, events[0]?.event as Tenant | undefined);
  }

  /**
   * Erases the text of these streams and of all that belong to the owners. What was erased before is in the answer too,
   * so that a request that comes again, after whatever happened to the first, is answered like it.
   */
  async erase(context: Context, subject: KeysOf): Promise<Erased> {
    const keys = await this.store.subjectKeys.list(context.tenant, subject);
    const open = new Set([...subject.streams, ...keys.filter((key) => !key.erased_at).map((key) => key.stream)]);
    const before = keys.filter((key) => key.erased_at && !open.has(key.stream));
    const erased: ErasedText[] = before.map((key) => ({ stream: key.stream, position: key.erased_at! }));
    const rest = [...open].values();
    const worker = async () => {
      for (const stream of rest) {
        if (Date.now() > context.deadline - RESERVE_MS) throw new DomainError('UNAVAILABLE', UNDER_WAY);
        erased.push(...(await this.eraseStream(context, stream)));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return totalOf(erased);
  }

  /** First the event, then the keys: died in between, whoever hears of the event destroys them. */
  private async eraseStream(context: Context, stream: string): Promise<ErasedText[]> {
    const { kind, id } = partsOf(stream);
    const command = { type: 'ErasePersonalText', now: new Date().toISOString() } as const;
    await this.erasers[kind]!({ id, command, context });
    const events: Placed[] =
      (await this.erasuresOf[kind]?.(id)) ?? (await readStream(this.store.client, stream)).events;
    const erasures = events.filter(({ event }) => isErased(event));
    for (const { event, commit } of erasures) await this.destroy(stream, event, commit);
    return erasures.map(({ commit }) => ({ stream, position: String(commit) }));
  }

  private async destroy(stream: string, event: Recorded['event'], commit: bigint): Promise<void> {
    if (isErased(event)) await this.store.subjectKeys.destroy({ stream, number: event.key_number }, commit);
  }
}

const UNDER_WAY = 'The erasure is under way, but there is more of it; send the same request again.';

function totalOf(erased: ErasedText[]): Erased {
  const counts: Erased['counts'] = {};
  for (const stream of new Set(erased.map((one) => one.stream))) {
    const { kind } = partsOf(stream);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  const positions = erased.map(({ position }) => position).sort((a, b) => Number(BigInt(a) - BigInt(b)));
  return { counts, positions };
}

const partsOf = (stream: string) => ({
  kind: stream.slice(0, stream.indexOf('-')) as PersonalKind,
  id: streamIdOf(stream),
});
