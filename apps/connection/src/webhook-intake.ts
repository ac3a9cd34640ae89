import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ConnectionCommand, ConnectionView } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { uuidV5 } from '#contracts/ids.js';
import type { InboundDelivery } from '#contracts/webhook.js';
import { Conflict } from '#eventstore/append.js';
import { BatchQueue, takeUpTo, type Waiting } from '#service/batch-queue.js';
import { hasReceived } from './connection.decider.js';
import { type KnownConnection, KnownConnections } from './known-connections.js';
import { LostDeliveries } from './lost-deliveries.js';
import type { WebhookFact } from './providers/provider.js';
import { WebhookDeliveries } from './webhook-deliveries.js';
import { WebhookVerification } from './webhook-verification.js';

const DELIVERY = '0b6cf0b1-7b0c-5f43-8a55-3f6d1b1c0e57';
const ATTEMPTS = 10;
const MOST_AT_ONCE = 64;
const MOST_BYTES_AT_ONCE = 4 * 1024 * 1024;

/** A delivery on its way into the stream of its connection. */
export interface Arrived {
  context: Context;
  server_id: string;
  delivery: InboundDelivery;
  /** As the gateway sealed it, which is how it is kept. */
  sealed: string;
}

type Delivery = Waiting<Arrived, { duplicate: boolean }>;

interface Genuine {
  waiting: Delivery;
  fact: WebhookFact;
}

type ReceiveWebhook = Extract<ConnectionCommand, { type: 'ReceiveWebhook' }>;

/**
 * Takes deliveries in, exactly one event for each name. Those of one connection go in turn, and all that wait while one
 * append is under way go together in the next. The name is put down first: a name that was there already may have been left
 * by a crash or an outage, so the stream itself is asked about it.
 */
@Injectable()
export class WebhookIntake {
  private readonly queue = new BatchQueue<Arrived, { duplicate: boolean }>(
    takeUpTo(MOST_AT_ONCE, MOST_BYTES_AT_ONCE, ({ sealed }) => sealed.length),
    (id, batch) => this.untilNoConflict(id, batch),
  );

  constructor(
    private readonly known: KnownConnections,
    private readonly verification: WebhookVerification,
    private readonly deliveries: WebhookDeliveries,
    private readonly lostDeliveries: LostDeliveries,
  ) {}

  take(id: string, arrived: Arrived): Promise<{ duplicate: boolean }> {
    return this.queue.add(id, arrived);
  }

  /** Whether anything that this server delivers to this connection can be genuine. */
  async expects(id: string, server_id: string): Promise<boolean> {
    return this.verification.takes(server_id) && isLiveAt(server_id, await this.known.get(id));
  }

  private async untilNoConflict(id: string, batch: Delivery[]): Promise<void> {
    const noted = new Set<string>();
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        return await this.together(id, batch, noted);
      } catch (error) {
        this.known.forget(id);
        if (!(error instanceof Conflict)) throw error;
      }
    }
    throw new DomainError('UNAVAILABLE', 'Too much happens to this connection at once; deliver it again.');
  }

  /** `noted` are the names that this batch has put down, so that nobody else appends them. */
  private async together(id: string, batch: Delivery[], noted: Set<string>): Promise<void> {
    const { known, genuine } = await this.proved(id, batch);
    if (!known || genuine.length === 0) return;
    const { firsts, repeats } = byName(genuine);
    await this.note(id, known, { firsts, noted });
    const lost = await this.lost(id, known, { genuine, noted });

    const news = firsts.filter(({ fact }) => noted.has(fact.deliveryId) || lost.has(fact.deliveryId));
    const commands = news.map((one) => ({ command: commandOf(one), context: contextOf(one, known.view) }));
    const decided = await this.known.append(id, known, commands);
    const isAppended = decided.some((events) => events.length > 0);
    // Only an append shows that the connection is still what it was known to be.
    if (!isAppended && (await this.known.now(id))?.revision !== known.revision) throw new Conflict(id);
    news.forEach(({ waiting }, at) => waiting.answer({ duplicate: decided[at]!.length === 0 }));
    const old = firsts.filter((one) => !news.includes(one));
    for (const { waiting } of [...old, ...repeats]) waiting.answer({ duplicate: true });
  }

  private async note(
    id: string,
    { revision }: KnownConnection,
    { firsts, noted }: { firsts: Genuine[]; noted: Set<string> },
  ): Promise<void> {
    const unknown = firsts.filter(({ fact }) => !noted.has(fact.deliveryId));
    const deliveries = unknown.map(({ fact, waiting }) => ({ id: fact.deliveryId, sealed: waiting.sealed }));
    const from = typeof revision === 'bigint' ? revision : -1n;
    for (const name of await this.deliveries.note({ connectionId: id, revision: from, deliveries })) noted.add(name);
  }

  /** The other names were there: whoever put them down may not have got further. Where that cannot be told, they are refused. */
  private async lost(
    id: string,
    { state }: KnownConnection,
    { genuine, noted }: { genuine: Genuine[]; noted: Set<string> },
  ): Promise<Set<string>> {
    const isUnclear = ({ fact }: Genuine) => !noted.has(fact.deliveryId) && !hasReceived(state, fact.deliveryId);
    const unclear = genuine.filter(isUnclear);
    const names = [...new Set(unclear.map(({ fact }) => fact.deliveryId))];
    try {
      return names.length > 0 ? await this.lostDeliveries.among(id, names) : new Set();
    } catch (error) {
      // An answer that comes later than this counts for nothing.
      for (const { waiting } of unclear) waiting.refuse(error);
      return new Set();
    }
  }

  /**
   * Refuses what is not genuine, all alike. What is only remembered of the connection must not refuse anybody; that there is
   * none was read just now.
   */
  private async proved(id: string, batch: Delivery[]) {
    const remembered = await this.known.get(id);
    let known = remembered;
    let facts = await this.factsOf(known, batch);
    if (remembered && facts.includes(null)) {
      known = await this.known.now(id);
      if (known !== remembered) facts = await this.factsOf(known, batch);
    }
    const genuine = batch.flatMap((waiting, at): Genuine[] => {
      const fact = facts[at]!;
      if (fact && !(fact instanceof Error)) return [{ waiting, fact }];
      waiting.refuse(fact ?? new DomainError('INVALID_SIGNATURE'));
      return [];
    });
    return { known, genuine };
  }

  /** Where one cannot be told, that is no matter of the others. */
  private factsOf(known: KnownConnection | null, batch: Delivery[]): Promise<(WebhookFact | Error | null)[]> {
    return Promise.all(batch.map((waiting) => this.factOf(known, waiting).catch((error: unknown) => error as Error)));
  }

  private async factOf(known: KnownConnection | null, { server_id, delivery }: Delivery): Promise<WebhookFact | null> {
    if (!isLiveAt(server_id, known)) return null;
    const now = new Date().toISOString();
    const all = await this.known.secretsOf(known);
    const secrets = all.filter(({ until }) => until === null || until > now).map(({ secret }) => secret);
    const fact = await this.verification.factOf(server_id, delivery, secrets);
    return fact && isAboutAnother(known.view, fact) ? null : fact;
  }
}

const isLiveAt = (server_id: string, known: KnownConnection | null): known is KnownConnection =>
  known?.view.server_id === server_id && known.view.state !== 'revoked';

/** Of a provider that has one address, or one secret, for several connections. */
function isAboutAnother({ provider_item_id, metadata }: ConnectionView, fact: WebhookFact): boolean {
  const { user_id } = metadata as { user_id?: string | number };
  const isOtherItem =
    provider_item_id !== null && fact.providerItemId !== '' && fact.providerItemId !== provider_item_id;
  return isOtherItem || (user_id !== undefined && Boolean(fact.account) && fact.account !== String(user_id));
}

function byName(genuine: Genuine[]): { firsts: Genuine[]; repeats: Genuine[] } {
  const firsts = new Map<string, Genuine>();
  const repeats: Genuine[] = [];
  for (const one of genuine) {
    if (firsts.has(one.fact.deliveryId)) repeats.push(one);
    else firsts.set(one.fact.deliveryId, one);
  }
  return { firsts: [...firsts.values()], repeats };
}

function commandOf({ waiting, fact }: Genuine): ReceiveWebhook {
  const body = Buffer.from(waiting.delivery.body, 'base64');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const { deliveryId: delivery_id, type: kind, code, effect } = fact;
  const delivery = { delivery_id, kind, code, size: body.length, sha256 };
  return { type: 'ReceiveWebhook', delivery, effect, now: new Date().toISOString() };
}

/** The name of the wish follows from the delivery's, so that the stream itself knows a repeat again. */
const contextOf = ({ waiting, fact }: Genuine, { id, project_id, environment }: ConnectionView): Context => ({
  ...waiting.context,
  command_id: uuidV5(DELIVERY, `${id}:${fact.deliveryId}`),
  tenant: { project_id, environment },
});
