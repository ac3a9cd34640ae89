import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { sha256 } from '#contracts/ids.js';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { readStream } from '#eventstore/read-stream.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { type Stack, startStack } from '#testing/stack.js';
import { Operators1700000000010 } from '../apps/key/src/migrations/0010-operators.js';
import { OperatorPasswords } from '../apps/key/src/operator-passwords.js';
import { OperatorSessions } from '../apps/key/src/operator-sessions.js';
import { Operators } from '../apps/key/src/operators.service.js';
import { RefusedSignIns } from '../apps/key/src/refused-sign-ins.js';

const context = () => contextFor(newTenant());
const password = { recipe: { salt: 'c2FsdA', memory_kib: 64, passes: 1, lanes: 1 }, proof: 'the proof' };

let stack: Stack;
let client: EventStoreDBClient;
let database: DataSource;
let passwords: OperatorPasswords;
let sessions: OperatorSessions;
let refusals: RefusedSignIns;
let operators: Operators;
let email: string;
let id: string;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres', 'eventstore'] });
  client = connectEventStore(stack.run().eventstore.url);
  const url = stack.run().databases['key']!;
  const migrations = [Operators1700000000010];
  database = await new DataSource({ type: 'postgres', url, migrations, migrationsRun: true }).initialize();
});
afterAll(async () => {
  await database?.destroy();
  await client?.dispose();
  await stack?.stop();
});

beforeEach(async () => {
  passwords = new OperatorPasswords(database);
  sessions = new OperatorSessions(database);
  refusals = new RefusedSignIns({ client } as Store);
  operators = new Operators({ client } as Store, passwords, sessions, refusals);
  const link = { token_hash: sha256(randomUUID()), expires_at: '2999-01-01T12:00:00.000Z' };
  [id, email] = [randomUUID(), `${randomUUID()}@example.com`];
  await operators.invite({ context: context(), id, email, role: 'viewer', link });
  await operators.useLink({ context: context(), token_hash: link.token_hash, password });
});

/** The token's hash of a new session. */
async function signIn(): Promise<string> {
  const token_hash = sha256(randomUUID());
  await operators.signIn({ context: context(), email, proof: password.proof, token_hash });
  return token_hash;
}
const isOpen = async (token_hash: string) => (await operators.session({ token_hash, touch: false })) !== null;

const typesOf = async (signInId: string) =>
  (await readStream(client, `sign_in-${signInId}`)).events.map(({ event }) => event.type);

describe('a session of the dashboard', () => {
  it('ends with a change of the role, and not with the wish for one that the operator has', async () => {
    const session = await signIn();
    await operators.changeRole({ context: context(), id, role: 'viewer' });
    expect(await isOpen(session)).toBe(true);
    await operators.changeRole({ context: context(), id, role: 'administrator' });
    expect(await isOpen(session)).toBe(false);
  });

  it('stays when it began after what ended the others', async () => {
    const before = await signIn();
    let since = '';
    // What is tidied up first, once the event stands.
    passwords.forget = async () => void (since = await signIn());
    await operators.endSessions(context(), id);
    expect([await isOpen(before), await isOpen(since)]).toEqual([false, true]);
    expect(await sessions.find(before, false)).toBeNull();
  });

  it('is gone with its operator', async () => {
    const session = await signIn();
    await operators.remove(context(), id);
    expect(await isOpen(session)).toBe(false);
    expect(await sessions.find(session, false)).toBeNull();
  });

  it('never ends without a record of it, and can be ended again when only that was made', async () => {
    const token_hash = await signIn();
    const { sign_in_id } = (await sessions.find(token_hash, false))!;
    const close = sessions.close.bind(sessions);
    let told: string[] = [];
    sessions.close = async () => {
      told = await typesOf(sign_in_id);
      throw new Error('the process ended');
    };
    await expect(operators.signOut({ context: context(), token_hash })).rejects.toThrow('the process ended');
    expect(told).toEqual(['SignedIn', 'SignedOut']);
    sessions.close = close;
    await operators.signOut({ context: context(), token_hash });
    expect(await isOpen(token_hash)).toBe(false);
    expect(await typesOf(sign_in_id)).toEqual(['SignedIn', 'SignedOut']);
  });
});

describe('refused sign-ins', () => {
  const tenant = newTenant();
  const refuse = async (email: string) => {
    const ask = { context: contextFor(tenant), email, proof: 'another proof', token_hash: sha256(randomUUID()) };
    await expect(operators.signIn(ask)).rejects.toMatchObject({ code: 'SIGN_IN_REFUSED' });
  };
  const told = async () => {
    const events: object[] = [];
    for await (const { event } of client.readAll()) {
      const { project_id } = (event?.metadata ?? {}) as { project_id?: string };
      if (event?.type === 'SignInRefused' && project_id === tenant.project_id) events.push(event.data as object);
    }
    return events;
  };

  it('are each an event where there is such an operator, and one a minute together where there is none', async () => {
    await refuse('nobody@example.com');
    await refusals.record();
    for (let n = 0; n < 3; n++) await refuse(`made-up-${n}@example.com`);
    for (let n = 0; n < 2; n++) await refuse(email);
    await refusals.record();
    const nobody = { operator_id: null, email: null };
    const first = expect.objectContaining(nobody);
    const known = expect.objectContaining({ operator_id: id, email });
    expect(await told()).toEqual([first, known, known]);
    await refusals.beforeApplicationShutdown();
    const tally = { count: 3, first_at: expect.any(String), last_at: expect.any(String) };
    expect((await told()).slice(3)).toEqual([expect.objectContaining({ ...nobody, ...tally })]);
  });

  it('wait for the next time when they could not be recorded, and are recorded once', async () => {
    const before = (await told()).length;
    await refuse(email);
    const append = client.appendToStream.bind(client);
    client.appendToStream = async (...all: Parameters<typeof append>) => {
      await append(...all);
      throw new Error('the answer was lost');
    };
    await expect(refusals.record()).rejects.toThrow();
    client.appendToStream = append;
    await refusals.record();
    expect(await told()).toHaveLength(before + 1);
  });
});
