import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Context, defaultTenant } from '#contracts/envelope.js';
import { FakeBus } from '../test/fake-bus.js';
import { sessionView, userView } from '../test/views.js';
import { Services } from './services.js';

let bus: FakeBus;
let services: Services;
let position = '7';

beforeEach(() => {
  bus = new FakeBus({
    'connection.user.create': () => ({ view: userView, position }),
    'connection.user.get': () => userView,
    'link-session.cancel': () => ({ view: sessionView, position }),
    'link-session.get': () => sessionView,
    'audit.list': () => ({ items: [], next_cursor: null }),
  });
  services = new Services(bus);
});

const contextOf = (key: string): Context => ({
  tenant: defaultTenant,
  actor: { type: 'api_key', id: key, name: key },
  request_id: 'r',
  command_id: 'c',
  address: null,
  key_prefix: null,
  deadline: 0,
});
const write = (key: string) => services.write('connection.user.create', { context: contextOf(key), user: userView });

async function afterOf(key: string, subject: 'connection.user.get' | 'link-session.get' | 'audit.list') {
  const context = contextOf(key);
  if (subject === 'audit.list') await services.read(subject, { context, filter: { limit: 1 } });
  else await services.read(subject, { context, id: 'x' });
  return (bus.asked.at(-1)!.ask as { after?: string }).after;
}

describe('a read', () => {
  it('waits for nothing when its key has written nothing', async () => {
    await write('other');
    expect(await afterOf('mine', 'connection.user.get')).toBeUndefined();
  });

  it('waits for the newest write of its key at that service, and not for those at others', async () => {
    position = '9';
    await write('mine');
    expect(await afterOf('mine', 'connection.user.get')).toBe('9');
    expect(await afterOf('mine', 'link-session.get')).toBeUndefined();
  });

  it('waits for it also where another thing of that service is read, which may show it', async () => {
    await write('mine');
    const context = contextOf('mine');
    bus.answers['connection.list'] = () => ({ items: [], next_cursor: null });
    await services.read('connection.list', { context, limit: 1 });
    expect(bus.asked.at(-1)!.ask).toMatchObject({ after: position });
  });

  it('compares positions as numbers, also when an older answer arrives later', async () => {
    position = '10';
    await write('mine');
    position = '9';
    await write('mine');
    expect(await afterOf('mine', 'connection.user.get')).toBe('10');
  });

  it('of the timeline waits for the writes at every service', async () => {
    position = '20';
    await write('mine');
    position = '30';
    await services.write('link-session.cancel', { context: contextOf('mine'), id: 'x' });
    expect(await afterOf('mine', 'audit.list')).toBe('30');
  });

  it('waits for the writes of the keys that wrote last: the memory is bounded', async () => {
    position = '40';
    for (let key = 0; key < 5_001; key++) await write(`key-${key}`);
    expect(await afterOf('key-0', 'connection.user.get')).toBeUndefined();
    expect(await afterOf('key-5000', 'connection.user.get')).toBe('40');
  });

  it('waits for what its key has written through another gateway', async () => {
    services.start();
    bus.hear('gateway.written', { actor_id: 'mine', service: 'connection', position: '8' });
    expect(await afterOf('mine', 'connection.user.get')).toBe('8');
    expect(await afterOf('mine', 'link-session.get')).toBeUndefined();
    expect(await afterOf('mine', 'audit.list')).toBe('8');
  });

  it('waits for the newer of two writes, also when the word of the older one comes later', async () => {
    services.start();
    position = '10';
    await write('mine');
    bus.hear('gateway.written', { actor_id: 'mine', service: 'connection', position: '9' });
    expect(await afterOf('mine', 'connection.user.get')).toBe('10');
  });
});

describe('a write', () => {
  it('is told to the other gateways by the time it is answered: who, where and how far', async () => {
    position = '7';
    await write('mine');
    const say = { actor_id: 'mine', service: 'connection', position: '7' };
    expect(bus.unconfirmed).toEqual([{ subject: 'gateway.written', say }]);
  });
});
