import { type Client, type Subscription } from './client.js';
import { createInterest } from './interest.js';
import { type Publication } from './protocol.js';

const noResponders = Buffer.from('NATS/1.0 503\r\n\r\n');

/** Brings each message to its subscribers, and to one member of each queue group. */
export function createRouter() {
  const interest = createInterest<Subscription>();

  const remove = (subscription: Subscription) => {
    subscription.client.subscriptions.delete(subscription.sid);
    interest.remove(subscription);
  };

  const deliver = (subscription: Subscription, message: Publication) => {
    const { client, sid, max } = subscription;
    if (message.reply !== undefined) client.rights?.expectReply(message.reply);
    client.deliver(sid, message);
    subscription.delivered += 1;
    if (max > 0 && subscription.delivered >= max) remove(subscription);
  };

  return {
    remove,
    add(subscription: Subscription): void {
      const before = subscription.client.subscriptions.get(subscription.sid);
      if (before) interest.remove(before);
      subscription.client.subscriptions.set(subscription.sid, subscription);
      interest.add(subscription);
    },
    /** Delivers; with nobody there the sender of a request is told at once, if it can understand that. */
    route(from: Client, message: Publication): void {
      const heard = interest.of(message.subject).filter(({ client }) => client !== from || from.options.echo !== false);
      const receivers = oneOfEachQueue(heard);
      for (const subscription of receivers) deliver(subscription, message);
      const { reply } = message;
      if (receivers.length > 0 || reply === undefined || !from.options.no_responders || !from.options.headers) return;
      for (const subscription of interest.of(reply).filter(({ client }) => client === from)) {
        deliver(subscription, { op: 'PUB', subject: reply, headerBytes: noResponders.length, payload: noResponders });
      }
    },
  };
}

function oneOfEachQueue(subscriptions: Subscription[]): Subscription[] {
  const receivers: Subscription[] = [];
  const queues = new Map<string, Subscription[]>();
  for (const subscription of subscriptions) {
    if (subscription.queue === undefined) receivers.push(subscription);
    else queues.set(subscription.queue, [...(queues.get(subscription.queue) ?? []), subscription]);
  }
  for (const members of queues.values()) receivers.push(members[Math.floor(Math.random() * members.length)]!);
  return receivers;
}
