import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from '@nats-io/transport-node';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import type { PublishedEvent } from '#contracts/published-event.js';
import { busOptions } from '#service/bus-options.js';
import { type Api, newCaller, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';

const stack = sharedStack();
const running: ChildProcess[] = [];
let folder: string;
let api: Api;
let bearer: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-subscriber-'));
  const caller = await newCaller(stack.run());
  ({ api } = caller);
  bearer = { authorization: `Bearer ${caller.key}` };
});
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** Runs an example as it stands; `lines` are what it has printed. */
function run(example: string, args: string[], env: NodeJS.ProcessEnv = {}) {
  const program = resolve(__dirname, `../dist/apps/examples/src/${example}.js`);
  const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env.PATH, ...env } });
  running.push(child);
  const told = { lines: [] as string[], out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    told.out += chunk.toString();
    told.lines = told.out.split('\n').slice(0, -1);
  });
  child.stderr.on('data', (chunk: Buffer) => (told.err += chunk.toString()));
  const says = (text: string) =>
    until(
      () => Promise.resolve(told.err),
      (err) => err.includes(text),
    );
  const end = () => new Promise((ended) => child.once('exit', ended) && child.kill('SIGKILL'));
  return { told, says, end };
}

/** A connection that is made and ended; answers its UUID. */
async function connection(user_id: string): Promise<string> {
  const made = await api.call('POST', '/v1/connections', { server_id: 'stripe', secret: 'sk', user_id }, bearer);
  const { id } = made.body as { id: string };
  await api.call('POST', `/v1/connections/${id}/revoke`, undefined, bearer);
  return parsePlatformConnectionId(id)!;
}

const loginOf = (user: string) => {
  const { nats } = stack.run();
  return { NATS_URL: nats.url, NATS_USER: user, NATS_PASSWORD: nats.users[user]!.password };
};
const about = (lines: string[], id: string) => lines.filter((line) => line.includes(id));
const typesOf = (lines: string[]) => lines.map((line) => line.split(' ')[1]);

describe('a service that subscribes to the event store', () => {
  it('hears every event, also those of before and while it was away, and goes on from its checkpoint', async () => {
    const before = await connection('before');
    const args = [join(folder, 'checkpoint')];
    const env = { EVENTSTORE_URL: stack.run().eventstore.url };
    const first = run('follow-event-store', args, env);
    await first.says('caught up');
    const whole = ['ConnectionCreated', 'ConnectionDisconnected'];
    expect(typesOf(about(first.told.lines, before)).filter((type) => whole.includes(type!))).toEqual(whole);
    await first.end();
    const missed = await connection('missed');
    const second = run('follow-event-store', args, env);
    await until(
      () => Promise.resolve(about(second.told.lines, missed)),
      (lines) => typesOf(lines).includes(whole[1]),
    );
    expect(about(second.told.lines, before)).toEqual([]);
    await second.end();
  });
});

describe('a listener on the bus', () => {
  it('hears what happens while it listens, each event once, in order', async () => {
    const listener = run('listen-to-bus', [], loginOf('subscriber'));
    await listener.says('listening');
    const ids = [await connection('one'), await connection('two')];
    const heard = await until(
      () => Promise.resolve(listener.told.lines.filter((line) => ids.some((id) => line.includes(id)))),
      (lines) => about(lines, ids[1]!).some((line) => line.includes('ConnectionDisconnected')),
    );
    const positions = heard.map((line) => BigInt(line.split(' ')[0]!));
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => (a < b ? -1 : 1)));
    for (const id of ids) expect(typesOf(about(heard, id))).toContain('ConnectionCreated');
    await listener.end();
  });

  it('is told the facts and who wanted them, and neither hashes of secrets nor personal text', async () => {
    const bus = await connect(busOptions(loginOf('subscriber')));
    const heard: { subject: string; event: PublishedEvent }[] = [];
    bus.subscribe('events.>', {
      callback: (_, message) => void heard.push({ subject: message.subject, event: message.json<PublishedEvent>() }),
    });
    await bus.flush();
    const { body } = await api.post('/api/v1/users', { name: 'Ada Lovelace' });
    const { id } = body as { id: string };
    const key = (await api.post('/api/v1/api-keys', { name: 'k' })).body as { id: string };
    const of = (subject: string) => heard.find(({ event }) => event.subject.id === subject);
    await until(
      () => Promise.resolve([of(id), of(key.id)]),
      (both) => both.every(Boolean),
    );
    expect(of(id)).toMatchObject({ subject: 'events.user.UserCreated', event: { type: 'UserCreated', data: { id } } });
    expect(of(key.id)!.event).toMatchObject({ type: 'KeyCreated', actor: { type: 'api_key' }, data: { name: 'k' } });
    expect(JSON.stringify(heard)).not.toMatch(/key_hash|token_hash|Ada Lovelace/);
    await bus.close();
  });

  it('may say nothing, and hear nothing but events', async () => {
    const bus = await connect(busOptions(loginOf('subscriber')));
    await expect(bus.request('key.list', '{}', { timeout: 1_000 })).rejects.toThrow();
    const refused = new Promise((resolve) => bus.subscribe('key.>', { callback: (error) => resolve(error) }));
    expect(String(await refused)).toMatch(/permission/i);
    await bus.close();
  });
});
