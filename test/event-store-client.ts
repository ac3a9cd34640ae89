import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import { Metadata } from '@grpc/grpc-js';

/** A stream name or prefix that no other test uses. */
export const unique = (prefix: string) => `${prefix}-${randomUUID()}`;

/** An event that is told from others by `n` in its data. */
export const event = (n: number | string = 0, type = 'Happened') => jsonEvent({ id: randomUUID(), type, data: { n } });

/** Events numbered from 0 on. */
export const events = (count: number) => Array.from({ length: count }, (_, n) => event(n));

type Subscription = AsyncIterable<ResolvedEvent> & { unsubscribe(): Promise<void> };

/** The next events of a subscription, which then ends. */
export async function nextEvents(subscription: Subscription, count: number): Promise<ResolvedEvent[]> {
  const seen: ResolvedEvent[] = [];
  try {
    for await (const resolved of subscription) if (seen.push(resolved) === count) break;
  } finally {
    await subscription.unsubscribe();
  }
  return seen;
}

/** The `n` of the next events of a subscription. */
export async function next(subscription: Subscription, count: number): Promise<unknown[]> {
  return (await nextEvents(subscription, count)).map(numberOf);
}

export async function all(read: AsyncIterable<ResolvedEvent>): Promise<ResolvedEvent[]> {
  const seen: ResolvedEvent[] = [];
  for await (const resolved of read) seen.push(resolved);
  return seen;
}

export const numberOf = ({ event: recorded }: ResolvedEvent) => (recorded?.data as { n: unknown }).n;
export const idOf = ({ event: recorded }: ResolvedEvent) => recorded?.id;

export const numbers = async (read: AsyncIterable<ResolvedEvent>) => (await all(read)).map(numberOf);

/** Both ends included, in either direction. */
export const range = (from: number, to: number) =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => (to < from ? from - i : from + i));

/** The login of a connection string, or another one, for a call that no client of ours makes. */
export function loginOf(
  url: string,
  { username, password }: Pick<URL, 'username' | 'password'> = new URL(url),
): Metadata {
  const metadata = new Metadata();
  metadata.set('authorization', `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`);
  return metadata;
}

/** What a promise is rejected with. */
export const reason = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** Waits for a condition. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await condition()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${condition.toString()}`);
  }
}
