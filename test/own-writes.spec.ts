import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { type Answer, type Api, apiWith, newCaller, newUser } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { type AnotherGateway, anotherGateway } from './another-gateway.js';

const stack = sharedStack();
const ROUNDS = 10;
/** Longer than a gateway takes to answer, and much shorter than a read waits. */
const HELD_BACK_MS = 200;

let other: AnotherGateway;
let database: Client;
let here: Api;
let there: Api;

beforeAll(async () => {
  const run = stack.run();
  other = await anotherGateway(run);
  const { key, api } = await newCaller(run);
  [here, there] = [api, apiWith(other.url, key)];
  database = new Client({ connectionString: run.databases['connection']! });
  await database.connect();
});

afterAll(async () => {
  await database.end();
  await other.stop();
});

/** What `read` answers, asked once `write` was answered and while no row of a user can be written. */
async function readBehind(write: () => Promise<Answer>, read: (written: Answer) => Promise<Answer>): Promise<Answer> {
  await database.query('begin');
  await database.query('lock table users in share row exclusive mode');
  try {
    const written = await write();
    // What the gateways tell each other is on its way for a moment, and longer where no core is free.
    await Promise.all([here.get('/health/live'), there.get('/health/live')]);
    const reading = read(written);
    await Promise.race([reading, wait(HELD_BACK_MS)]);
    await database.query('commit');
    return await reading;
  } catch (error) {
    await database.query('rollback');
    throw error;
  }
}

describe('a read through another gateway', () => {
  it('that follows a write waits until the view shows it (I12)', async () => {
    const id = await newUser(here);
    for (let round = 0; round < ROUNDS; round++) {
      const [writer, reader] = round % 2 ? [here, there] : [there, here];
      const name = `Ada ${round}`;
      const { status, body } = await readBehind(
        () => writer.patch(`/api/v1/users/${id}`, { name }),
        () => reader.get(`/api/v1/users/${id}`),
      );
      expect([round, status, body.name]).toEqual([round, 200, name]);
    }
  });
});
