import { Injectable } from '@nestjs/common';
import type { ConnectionEvent } from '#contracts/connection.js';
import { DomainError } from '#contracts/errors.js';
import { readStream, type StreamRead } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { WebhookDeliveries } from './webhook-deliveries.js';

const PAGE = 1_000;
/** Other deliveries of the connection wait meanwhile. */
const READ_MS = 1_000;

type Page = StreamRead<ConnectionEvent>;

/** Deliveries whose names were put down by somebody who then did not get further. */
@Injectable()
export class LostDeliveries {
  constructor(
    private readonly store: Store,
    private readonly deliveries: WebhookDeliveries,
  ) {}

  /**
   * Those of these names, which were put down before, that no event in the connection's stream has. It is looked through
   * from where it ended when the first of them was put down, which for most is right before their events. How far is put
   * down as well: whoever has run out of time goes on there when the delivery comes again.
   */
  async among(id: string, names: string[]): Promise<Set<string>> {
    const until = Date.now() + READ_MS;
    const absent = await this.deliveries.absentUpTo(id, names);
    let pages = 0;
    while (absent.size > 0) {
      const after = least([...absent.values()]);
      const page = await this.page(id, after);
      const end = lookedThrough(absent, page);
      pages += 1;
      const isLast = end - after < BigInt(PAGE);
      const isLate = !isLast && Date.now() >= until;
      if (isLate || (isLast && pages > 1)) await this.deliveries.markAbsent(id, absent);
      if (isLate) throw new DomainError('UNAVAILABLE', 'The connection has a long past; deliver it again.');
      if (isLast) break;
    }
    return new Set(absent.keys());
  }

  private page(id: string, after: bigint): Promise<Page> {
    const behind = after < 0n ? undefined : after;
    return readStream<ConnectionEvent>(this.store.client, `connection-${id}`, behind, PAGE);
  }
}

/** Strikes out what the page holds, and says of the others how far they are absent; answers with where the page ends. */
function lookedThrough(absent: Map<string, bigint>, { events, revision }: Page): bigint {
  const end = typeof revision === 'bigint' ? revision : -1n;
  for (const { event } of events) if (event.type === 'WebhookReceived') absent.delete(event.delivery_id);
  for (const [name, after] of absent) if (after < end) absent.set(name, end);
  return end;
}

const least = (revisions: bigint[]): bigint => revisions.reduce((one, other) => (one < other ? one : other));
