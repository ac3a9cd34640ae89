import { randomUUID } from 'node:crypto';
import { afterEach, expect, it, jest } from '@jest/globals';
import { busMaxPayloadBytes } from '#contracts/bus-users.js';
import { idOf } from '#contracts/ids.js';
import type { KeyName } from '#eventstore/subject-keys.js';
import { PersonalTexts } from '#service/personal-texts.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { MemoryStreams } from '#testing/memory-streams.js';
import { ConnectionFolds } from './connection-folds.js';
import type { ConnectionViews } from './connection-views.js';
import { PersonalTextController } from './personal-text.controller.js';
import type { Users } from './users.service.js';

const LONG = 9_000;
const tenant = newTenant();
const id = idOf('connection', 'abcdefgh');
const stream = `connection-${id}`;
const created = { ...tenant, id, short_id: 'abcdefgh', server_id: 'asaas', auth_type: 'api_key', user_id: 'u' };

afterEach(() => void jest.restoreAllMocks());

it('the texts of a connection with a long stream are erased, once', async () => {
  const now = Date.now();
  jest.spyOn(Date, 'now').mockImplementation(() => now);
  const events = new MemoryStreams();
  events.mostAtOnce = LONG / 3;
  events.streams.set(stream, [
    { id: '0', type: 'ConnectionCreated', data: { ...created, credential_version: 1, connection_metadata: {} } },
    { id: '1', type: 'MetadataChanged', data: { connection_metadata: { note: 'Ada' } } },
    ...Array.from({ length: LONG }, (_, n) => ({ id: String(n + 2), type: 'CredentialAccessed', data: {} })),
  ]);
  const destroyed: KeyName[] = [];
  const subjectKeys = {
    list: () => Promise.resolve([]),
    destroy: (key: KeyName) => Promise.resolve(void destroyed.push(key)),
  };
  const store = { client: events, subjectKeys } as unknown as Store;
  const views = { reached: () => Promise.resolve() } as unknown as ConnectionViews;
  const texts = new PersonalTextController(store, views, {} as Users, new ConnectionFolds(store));
  const erase = () => texts.erase({ context: contextFor(tenant), subject: id });
  const first = await erase();
  expect(first).toMatchObject({ subject: { kind: 'connection', id }, counts: { connection: 1 } });
  expect(await erase()).toEqual(first);
  expect(events.streams.get(stream)!.filter(({ type }) => type === 'PersonalTextErased')).toHaveLength(1);
  expect(destroyed[0]).toEqual({ stream, number: 0 });
});

it('the answer goes over the bus however many things of a person have lost their text', async () => {
  const keys = Array.from({ length: 60_000 }, (_, n) => ({
    ...{ stream: `link_session-${randomUUID()}`, number: 0, erased_at: String(10_000_000_000 - n) },
  }));
  const store = { subjectKeys: { list: () => Promise.resolve(keys) } } as unknown as Store;
  const erased = await new PersonalTexts(store, {}).erase(contextFor(tenant), { streams: [], owners: ['somebody'] });
  expect(erased).toMatchObject({ counts: { link_session: 60_000 } });
  expect(erased.positions.at(-1)).toBe('10000000000');
  expect(JSON.stringify(erased).length).toBeLessThan(busMaxPayloadBytes / 2);
});
