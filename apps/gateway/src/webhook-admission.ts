import { Inject, Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DomainError, isCoded } from '#contracts/errors.js';
import { parseId, parsePlatformConnectionId } from '#contracts/ids.js';
import { Bus } from '#service/bus.js';
import { BytesInFlight } from './bytes-in-flight.js';
import { MissLimit, networkOf } from './pages/miss-limit.js';
import { rawBodyOf } from './raw-body.js';

export const LARGEST_DELIVERY = 1024 * 1024;
/** Above it somebody is asked first whether the delivery can be meant for anyone: as much as any other route reads unasked. */
const LARGE = 64 * 1024;
/** On the way through, a delivery takes about ten times its size. */
const MOST_BYTES = { together: 32 * 1024 * 1024, ofUnproven: 16 * 1024 * 1024, ofOne: 8 * 1024 * 1024 };
const MISSES_PER_MINUTE = 300;
const MOST_PROVEN = 10_000;

const SERVER = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** What an address says of whom a delivery is for; without an id it names its connection itself. */
export interface WebhookTarget {
  server_id: string;
  id: string | null;
}

/** A delivery whose body may be read. */
interface Admitted {
  target: WebhookTarget;
  network: string;
  /** The network, and what it is for. */
  from: string;
  claimed: number;
  isRead: boolean;
}

/**
 * Anybody may send deliveries, and each is sealed and goes over the bus before it can be told whether it is genuine. So it
 * is decided before the body is read whether there is room for it, and one network's refused ones are counted, as are those
 * that never come whole. Where a genuine one has come from there for the same connection, further ones pass whatever else
 * comes from that network, and have room of their own.
 */
@Injectable()
export class WebhookAdmission {
  private readonly misses = new MissLimit(MISSES_PER_MINUTE);
  private readonly bytes = new BytesInFlight(MOST_BYTES);
  private readonly proven = new Set<string>();
  private readonly admitted = new WeakMap<FastifyRequest, Admitted>();

  constructor(@Inject(Bus) private readonly bus: Bus) {}

  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', (route) => {
      if (route.config?.endpoint?.takesBytes) route.onRequest = (request: FastifyRequest) => this.admit(request);
    });
  }

  /** Takes an admitted delivery in, and learns from what became of it. */
  async take<T>(request: FastifyRequest, take: (target: WebhookTarget) => Promise<T>): Promise<T> {
    const one = this.admitted.get(request)!;
    one.isRead = true;
    try {
      this.keep(one, rawBodyOf(request)?.length ?? 0);
      const taken = await take(one.target);
      this.remember(one.from);
      return taken;
    } catch (error) {
      this.countMiss(request, error);
      throw error;
    } finally {
      this.keep(one, 0);
    }
  }

  private async admit(request: FastifyRequest): Promise<void> {
    const { raw } = request;
    const target = targetOf(request.params as Record<string, string>);
    const network = networkOf(request.ip);
    const from = `${network} ${target.server_id} ${target.id}`;
    const size = announcedSize(request);
    const isProven = this.proven.has(from);
    if (!isProven) {
      this.misses.assertNotOver(request.ip);
      if (size > LARGE) await this.assertExpected(request, target);
    }
    // Whoever left while others were asked would never give back what was claimed.
    if (raw.destroyed) throw new DomainError('INVALID_BODY');
    if (!this.bytes.claim(network, size, isProven))
      throw new DomainError('UNAVAILABLE', 'Too much is being delivered at once; deliver it again.');
    const one = { target, network, from, claimed: size, isRead: false };
    this.admitted.set(request, one);
    // It closes also once it is read; the answer tells of no end where requests were pipelined.
    raw.once('close', () => {
      if (!raw.socket.destroyed) return;
      if (!one.isRead && !isProven) this.misses.add(request.ip);
      this.keep(one, 0);
    });
  }

  private async assertExpected(request: FastifyRequest, target: WebhookTarget): Promise<void> {
    const { expected } = await this.bus.ask('connection.webhook-expected', target);
    if (expected) return;
    const refusal = new DomainError('INVALID_SIGNATURE');
    this.countMiss(request, refusal);
    throw refusal;
  }

  private countMiss({ ip }: FastifyRequest, error: unknown): void {
    if (isCoded(error) && error.code === 'INVALID_SIGNATURE') this.misses.add(ip);
  }

  private remember(from: string): void {
    this.proven.delete(from);
    if (this.proven.size >= MOST_PROVEN) this.proven.delete(this.proven.values().next().value!);
    this.proven.add(from);
  }

  /** Gives back all but so many of the bytes that were claimed. */
  private keep(one: Admitted, bytes: number): void {
    this.bytes.giveBack(one.network, one.claimed - bytes);
    one.claimed = bytes;
  }
}

function targetOf({ server_id = '', connection_id }: Record<string, string>): WebhookTarget {
  if (!SERVER.test(server_id)) throw new DomainError('INVALID_SIGNATURE');
  if (connection_id === undefined) return { server_id, id: null };
  const id = parsePlatformConnectionId(connection_id) ?? parseId('connection', connection_id);
  if (id === null) throw new DomainError('INVALID_SIGNATURE');
  return { server_id, id };
}

/** What comes in chunks may become as large as any. */
function announcedSize({ headers }: FastifyRequest): number {
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  const size = length === undefined ? (coding === undefined ? 0 : LARGEST_DELIVERY) : Number(length);
  if (size > LARGEST_DELIVERY) throw new DomainError('PAYLOAD_TOO_LARGE');
  return size;
}
