import {
  type AllStreamResolvedEvent,
  type EventStoreDBClient,
  type ReadAllOptions,
  START,
} from '@eventstore/db-client';
import { Readable } from 'node:stream';
import type { Batch, StorePosition } from './follow.js';
import { openBatch } from './personal-text.js';
import { type Recorded, toRecorded } from './recorded.js';

const PAGE = 1_000;
const PAGE_DEADLINE_MS = 30_000;

interface Stretch {
  /** Names of streams we care for: `kind-`. */
  prefixes: string[];
  /** Excluded; null is the very beginning. */
  after: StorePosition | null;
  /** Included. */
  upTo: StorePosition;
}

interface Page {
  events: Recorded[];
  /** Where it ends. */
  last: StorePosition | null;
  /** There may be more. */
  full: boolean;
}

/**
 * The events of a stretch in large pages, also those in which none is for us; the next one is on its way while the caller
 * works on one. Each page is a call that is read to its end: one that is left half-way keeps the client from ever being
 * disposed of.
 */
export const readPages = (client: EventStoreDBClient, stretch: Stretch): AsyncIterable<Batch> =>
  Readable.from(pageByPage(client, stretch), { highWaterMark: 1 });

async function* pageByPage(client: EventStoreDBClient, stretch: Stretch): AsyncGenerator<Batch> {
  const { upTo } = stretch;
  let at = stretch.after;
  for (;;) {
    const { events, last, full } = await readPage(client, stretch, at);
    if (last === null) return;
    yield { events, position: last.commit < upTo.commit ? last : upTo };
    if (!full || last.commit >= upTo.commit) return;
    at = last;
  }
}

async function readPage(
  client: EventStoreDBClient,
  { prefixes, upTo }: Stretch,
  after: StorePosition | null,
): Promise<Page> {
  const page: Omit<Page, 'full'> = { events: [], last: after };
  const options: ReadAllOptions = { fromPosition: after ?? START, maxCount: PAGE, deadline: PAGE_DEADLINE_MS };
  let count = 0;
  const take = (resolved: AllStreamResolvedEvent) => {
    count++;
    const { position, streamId } = resolved.event ?? {};
    // A forward read includes where it begins.
    if (!position || streamId === undefined || (after !== null && position.commit <= after.commit)) return;
    page.last = position;
    if (position.commit > upTo.commit || !prefixes.some((prefix) => streamId.startsWith(prefix))) return;
    const recorded = toRecorded(resolved);
    if (recorded) page.events.push(recorded);
  };
  // Its iterator would take a turn of its own for each event.
  await new Promise<void>((resolve, reject) => {
    client.readAll(options).on('data', take).on('end', resolve).on('error', reject);
  });
  return { ...page, events: await openBatch(client, page.events), full: count === PAGE };
}
