import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Api, newCaller, until } from '#testing/api.js';
import { followEntries, type LiveStream } from '#testing/live-entries.js';
import { sharedStack } from '#testing/stack.js';

const stack = sharedStack();
const open: LiveStream[] = [];
let api: Api;
let key: string;

beforeAll(async () => {
  ({ api, key } = await newCaller(stack.run()));
});
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});

function follow(query = '', { lastId, as = key }: { lastId?: string; as?: string } = {}): LiveStream {
  const stream = followEntries(`${stack.url}/api/v1/audit/stream${query}`, { 'x-api-key': as }, lastId);
  open.push(stream);
  return stream;
}

const begun = (stream: LiveStream) => until(() => Promise.resolve(stream.lastId), Boolean);
const come = (stream: LiveStream, count: number) =>
  until(
    () => Promise.resolve(stream.entries),
    ({ length }) => length >= count,
  );
const newUser = async (name: string) => (await api.post('/api/v1/users', { name })).body as { id: string };
const idsOf = (entries: { subject: { id: string } }[]) => entries.map(({ subject }) => subject.id);

describe('the live timeline', () => {
  it('tells what comes from now on, as the list tells it, and nothing of before', async () => {
    await newUser('before');
    const stream = follow();
    await begun(stream);
    const users = [await newUser('one'), await newUser('two')];
    const entries = await come(stream, 2);
    expect(idsOf(entries)).toEqual(users.map(({ id }) => id));
    const { body } = await api.get('/api/v1/audit?limit=2&order=desc');
    expect(entries).toEqual((body as { entries: object[] }).entries.reverse());
    expect(stream.lastId).toBe(entries[1]!.position);
  });

  it('goes on after Last-Event-ID: none is lost, none comes twice', async () => {
    const first = follow();
    await begun(first);
    const one = await newUser('one');
    await come(first, 1);
    first.close();
    const missed = [await newUser('two'), await newUser('three')];
    const second = follow('', { lastId: first.lastId! });
    await come(second, 2);
    const live = await newUser('four');
    expect(idsOf(await come(second, 3))).toEqual([...missed, live].map(({ id }) => id));
    const whole = follow('?type=UserCreated', { lastId: '0' });
    const entries = await until(
      () => Promise.resolve(whole.entries),
      (all) => idsOf(all).includes(live.id),
    );
    expect(new Set(entries.map(({ position }) => position)).size).toBe(entries.length);
    expect(idsOf(entries)).toContain(one.id);
  });

  it('resumes from where it began when nothing has come yet', async () => {
    const first = follow();
    await begun(first);
    first.close();
    const missed = await newUser('missed');
    const second = follow('', { lastId: first.lastId! });
    expect(idsOf(await come(second, 1))).toEqual([missed.id]);
  });

  it('narrows as the list does', async () => {
    const { id } = await newUser('followed');
    const stream = follow(`?subject=${id}&type=UserUpdated`);
    await begun(stream);
    await newUser('another');
    await api.patch(`/api/v1/users/${id}`, { name: 'renamed' });
    await api.delete(`/api/v1/users/${id}`);
    const marker = follow(`?subject=${id}`, { lastId: '0' });
    await come(marker, 3);
    expect(stream.entries.map(({ type }) => type)).toEqual(['UserUpdated']);
    expect(marker.entries.map(({ type }) => type)).toEqual(['UserCreated', 'UserUpdated', 'UserDeleted']);
  });

  it('tells nothing to another tenant', async () => {
    const { key: stranger } = await newCaller(stack.run());
    const theirs = follow('', { as: stranger, lastId: '0' });
    await come(theirs, 1);
    const mine = follow();
    await begun(mine);
    const { id } = await newUser('mine');
    await come(mine, 1);
    expect(idsOf(theirs.entries)).not.toContain(id);
    expect(new Set(theirs.entries.map(({ type }) => type))).toEqual(new Set(['KeyCreated']));
  });

  it('is on /v1, too, for whoever may read connections', async () => {
    const stream = followEntries(`${stack.url}/v1/audit/stream`, { authorization: `Bearer ${key}` });
    open.push(stream);
    await begun(stream);
    const { id } = await newUser('on /v1');
    expect(idsOf(await come(stream, 1))).toEqual([id]);
  });

  it('ends when the key is revoked, and says nothing after that', async () => {
    const made = (await api.post('/api/v1/api-keys', { name: 'reader' })).body as { id: string; plaintext_key: string };
    await api.get('/api/v1/audit?limit=1'); // Its making is in the timeline, and no news to the stream.
    const stream = follow('', { as: made.plaintext_key });
    await begun(stream);
    await api.delete(`/api/v1/api-keys/${made.id}`);
    await newUser('after the revocation');
    await stream.over;
    // The revocation itself may be told: it was not answered yet.
    expect(stream.entries.filter(({ type }) => type !== 'KeyRevoked')).toEqual([]);
    const again = follow('', { as: made.plaintext_key });
    expect(await again.status).toBe(401);
  });

  it('is refused as JSON: odd ids of events, odd times', async () => {
    for (const lastId of ['x', '-1', '9'.repeat(19)]) {
      const odd = await api.get('/api/v1/audit/stream', { 'last-event-id': lastId });
      expect([odd.status, odd.body.error.code]).toEqual([400, 'VALIDATION_ERROR']);
    }
    expect((await api.get('/api/v1/audit/stream?from=yesterday')).status).toBe(400);
  });
});
