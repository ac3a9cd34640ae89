import { describe, expect, it } from '@jest/globals';
import { CallEnd } from './call-end.js';
import { EMPTY, type StoredEvent } from './event.js';
import { LogTail } from './log-tail.js';

const event = (position: bigint, stream = 's', bytes = 0): StoredEvent => ({
  position,
  stream,
  revision: 0n,
  id: '',
  type: '',
  isJson: true,
  created: '0',
  data: Buffer.alloc(bytes),
  metadata: EMPTY,
});

const positions = (events: StoredEvent[]) => events.map(({ position }) => position);
const forever = new CallEnd();

describe('the tail of the log', () => {
  it('hands out what follows a position, in order and up to a limit', () => {
    const tail = new LogTail(10n, { events: 100, bytes: 1_000 });
    tail.push([event(20n), event(30n)]);
    tail.push([event(40n)]);
    expect(tail.head).toBe(40n);
    expect(positions(tail.after(10n, 10))).toEqual([20n, 30n, 40n]);
    expect(positions(tail.after(25n, 1))).toEqual([30n]);
    expect(tail.after(40n, 10)).toEqual([]);
  });

  it('covers nothing before the head it began with', () => {
    const tail = new LogTail(10n, { events: 100, bytes: 1_000 });
    expect([tail.covers(9n), tail.covers(10n)]).toEqual([false, true]);
  });

  it('drops the oldest events when they are too many, and says so', () => {
    const tail = new LogTail(0n, { events: 2, bytes: 1_000 });
    for (let position = 1n; position <= 5n; position++) tail.push([event(position)]);
    expect([tail.covers(2n), tail.covers(3n)]).toEqual([false, true]);
    expect(positions(tail.after(3n, 10))).toEqual([4n, 5n]);
  });

  it('drops the oldest events when they are too heavy, even all of them', () => {
    const tail = new LogTail(0n, { events: 100, bytes: 20 });
    tail.push([event(1n, 's', 8), event(2n, 's', 8), event(3n, 's', 8)]);
    expect(positions(tail.after(2n, 10))).toEqual([3n]);
    expect(tail.covers(1n)).toBe(false);
    tail.push([event(4n, 's', 100)]);
    expect([tail.head, tail.covers(3n), tail.covers(4n)]).toEqual([4n, false, true]);
  });

  it('is never more than a quarter over its limits, and an event counts as it came and as it is sent', () => {
    const many = new LogTail(0n, { events: 8, bytes: 1_000_000 });
    const heavy = new LogTail(0n, { events: 1_000, bytes: 100 });
    const kept = { many: 0, heavy: 0 };
    for (let position = 1n; position <= 50n; position++) {
      many.push([event(position)]);
      heavy.push([event(position, 's', 5)]);
      kept.many = Math.max(kept.many, many.after(0n, 100).length);
      kept.heavy = Math.max(kept.heavy, heavy.after(0n, 100).length);
    }
    expect(kept).toEqual({ many: 10, heavy: 12 });
  });

  it('wakes who waits for any event, and who waits for one stream only for its own', async () => {
    const tail = new LogTail(0n, { events: 100, bytes: 1_000 });
    const woken: string[] = [];
    const waits = [
      tail.change(forever).then(() => woken.push('all')),
      tail.change(forever, 'a').then(() => woken.push('a')),
    ];
    tail.push([event(1n, 'b')]);
    await waits[0];
    expect(woken).toEqual(['all']);
    tail.push([event(2n, 'a')]);
    await Promise.all(waits);
    expect(woken).toEqual(['all', 'a']);
  });

  it('lets go of a waiter who gives up', async () => {
    const tail = new LogTail(0n, { events: 100, bytes: 1_000 });
    const caller = new CallEnd();
    const wait = tail.change(caller);
    caller.come();
    await expect(wait).resolves.toBeUndefined();
  });
});
