import { describe, expect, it } from '@jest/globals';
import { StreamNotFoundError, WrongExpectedVersionError } from '#eventstore/client.js';
import { sealWith } from '#eventstore/personal-text.js';
import type { SubjectKeys } from '#eventstore/subject-keys.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { Users } from './users.service.js';

const MINUTE = 60_000;
const tenant = newTenant();
const email = 'ada@example.com';

interface Kept {
  event: object;
}

/** Streams in memory. */
class FakeEvents {
  private readonly streams = new Map<string, Kept[]>();
  created = Date.now();
  /** Called before events are written. */
  onAppend: (stream: string) => Promise<void> | void = () => undefined;

  *readStream(name: string) {
    const events = this.streams.get(name);
    if (!events) throw new StreamNotFoundError(undefined, name);
    yield* structuredClone(events);
  }

  async appendToStream(name: string, events: object[], { expectedRevision }: { expectedRevision: unknown }) {
    await this.onAppend(name);
    const past = this.streams.get(name) ?? [];
    if (expectedRevision !== (past.length > 0 ? BigInt(past.length - 1) : 'no_stream')) {
      throw new WrongExpectedVersionError(undefined, { streamName: name } as never);
    }
    const kept = events.map((event, index) => ({
      event: {
        ...event,
        streamId: name,
        revision: BigInt(past.length + index),
        isJson: true,
        created: new Date(this.created),
      },
    }));
    this.streams.set(name, [...past, ...kept]);
    return {};
  }
}

/** Locks in memory, each held to the end of its transaction. */
class FakeLocks {
  private readonly last = new Map<string, { ended: Promise<void>; isOver: boolean }>();
  private tellWaiting!: () => void;
  /** Somebody waits for another one. */
  readonly isWaitedFor = new Promise<void>((resolve) => (this.tellWaiting = resolve));

  transaction<T>(work: (db: object) => Promise<T>): Promise<T> {
    let end!: () => void;
    const mine = { ended: new Promise<void>((resolve) => (end = resolve)), isOver: false };
    const query = async (_statement: string, [id]: [string]) => {
      const before = this.last.get(id);
      this.last.set(id, mine);
      if (before?.isOver === false) this.tellWaiting();
      await before?.ended;
    };
    return work({ query }).finally(() => {
      mine.isOver = true;
      end();
    });
  }
}

function world() {
  const events = new FakeEvents();
  const locks = new FakeLocks();
  const keys = {
    make: () => Promise.resolve(Buffer.alloc(32)),
    find: () => Promise.resolve({ get: () => Buffer.alloc(32) }),
  };
  sealWith(events as never, keys as unknown as SubjectKeys);
  const users = new Users({ client: events, dataSource: locks } as unknown as Store);
  const create = (short_id: string, context = contextFor(tenant)) =>
    users.create(context, { short_id, name: short_id, email });
  return { events, locks, users, create };
}

const taken = { code: 'EMAIL_CONFLICT' };

describe('one e-mail address for two users', () => {
  it('goes to who claimed it first, also while that user is still being written', async () => {
    const { events, create } = world();
    const second: Promise<unknown>[] = [];
    events.onAppend = async (stream) => {
      if (!stream.startsWith('user-') || second.length > 0) return;
      second.push(create('bbbbbbbb').catch((error: unknown) => error));
      await second[0];
    };
    expect((await create('aaaaaaaa')).view.email).toBe(email);
    expect(await second[0]).toMatchObject(taken);
  });

  it('is one however its letters are spelled', async () => {
    const { users } = world();
    const create = (short_id: string, address: string) =>
      users.create(contextFor(tenant), { short_id, name: short_id, email: address });
    const address = 'RenÉ@example.com';
    const { view } = await create('aaaaaaaa', address.normalize('NFD'));
    await expect(create('bbbbbbbb', address.normalize('NFC').toLowerCase())).rejects.toMatchObject(taken);
    await users.update(contextFor(tenant), view.id, { email: null });
    await create('bbbbbbbb', address.normalize('NFC'));
  });

  it('is free again once the maker of a user is long dead', async () => {
    const { events, create } = world();
    events.created = Date.now() - 11 * MINUTE;
    events.onAppend = (stream) => {
      if (stream.startsWith('user-')) throw new Error('died');
    };
    const context = { ...contextFor(tenant), deadline: Date.now() + 100 };
    await expect(create('aaaaaaaa', context)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    events.created = Date.now();
    events.onAppend = () => undefined;
    expect((await create('bbbbbbbb')).view.email).toBe(email);
    await expect(create('aaaaaaaa', { ...context, deadline: Date.now() + 5_000 })).rejects.toMatchObject(taken);
  });

  it('stays with a user that has it, however old the claim', async () => {
    const { events, create } = world();
    events.created = Date.now() - 11 * MINUTE;
    await create('aaaaaaaa');
    await expect(create('bbbbbbbb')).rejects.toMatchObject(taken);
  });

  it('is not given to the second of two who change theirs to it', async () => {
    const { events, users } = world();
    const [a, b] = await Promise.all(
      ['aaaaaaaa', 'bbbbbbbb'].map(async (short_id) => {
        const { view } = await users.create(contextFor(tenant), { short_id, name: short_id, email: null });
        return () => users.update(contextFor(tenant), view.id, { email });
      }),
    );
    const second: Promise<unknown>[] = [];
    events.onAppend = async (stream) => {
      if (!stream.startsWith('user-') || second.length > 0) return;
      second.push(b!().catch((error: unknown) => error));
      await second[0];
    };
    expect((await a!()).view.email).toBe(email);
    expect(await second[0]).toMatchObject(taken);
  });

  it('is still there for the next id when the first that was tried is taken', async () => {
    const { users, create } = world();
    await users.create(contextFor(tenant), { short_id: 'aaaaaaaa', name: 'Grace', email: null });
    await expect(create('aaaaaaaa')).rejects.toMatchObject({ code: 'ID_TAKEN' });
    expect((await create('bbbbbbbb')).view.email).toBe(email);
  });

  it('stays with the user who changed it and back at the same moment', async () => {
    const { events, locks, users, create } = world();
    const { view } = await create('aaaaaaaa');
    const change = (address: string) => users.update(contextFor(tenant), view.id, { email: address });
    const back: Promise<unknown>[] = [];
    let written = 0;
    events.onAppend = async (stream) => {
      // The other address is claimed, the user is written, and the old address is about to be released.
      if (++written !== 3 || !stream.startsWith('user_email-')) return;
      back.push(change(email));
      await Promise.race([back[0], locks.isWaitedFor]);
    };
    await change('grace@example.com');
    await Promise.all(back);
    expect(back).toHaveLength(1);
    expect((await users.read(tenant, view.id)).email).toBe(email);
    await expect(create('bbbbbbbb')).rejects.toMatchObject(taken);
  });

  it('stays with the user who is given it as it was, while another change gives it up', async () => {
    const { events, locks, users, create } = world();
    const { view } = await create('aaaaaaaa');
    const other: Promise<unknown>[] = [];
    events.onAppend = async (stream) => {
      if (!stream.startsWith('user-') || other.length > 0) return;
      other.push(users.update(contextFor(tenant), view.id, { email: 'grace@example.com' }));
      await Promise.race([other[0], locks.isWaitedFor]);
    };
    await users.update(contextFor(tenant), view.id, { name: 'Ada', email });
    await Promise.all(other);
    const kept = (await users.read(tenant, view.id)).email!;
    const again = users.create(contextFor(tenant), { short_id: 'bbbbbbbb', name: 'Grace', email: kept });
    await expect(again).rejects.toMatchObject(taken);
  });

  it('stays with the user who is given it again while their texts are erased', async () => {
    const { users, create } = world();
    const { view: before } = await create('aaaaaaaa');
    await users.update(contextFor(tenant), before.id, { email: null });
    await users.update(contextFor(tenant), before.id, { email });
    await users.releaseErased(contextFor(tenant), before);
    await expect(create('bbbbbbbb')).rejects.toMatchObject(taken);
  });

  it('is free again once it was erased', async () => {
    const { events, users, create } = world();
    const { view: before } = await create('aaaaaaaa');
    const erased = { type: 'PersonalTextErased', data: { key_number: 0, at: '2026-01-01T00:00:00.000Z' } };
    await events.appendToStream(`user-${before.id}`, [erased], { expectedRevision: 0n });
    await users.releaseErased(contextFor(tenant), before);
    expect((await create('bbbbbbbb')).view.email).toBe(email);
  });
});
