import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { until } from '#testing/api.js';
import { type Stack, startStack } from '#testing/stack.js';
import { KeyUses } from '../apps/key/src/key-uses.js';

const first = '11111111-1111-4111-8111-111111111111';
const second = '22222222-2222-4222-8222-222222222222';
const blocked = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'insert into key_uses%'`;

let stack: Stack;
let database: DataSource;

beforeAll(async () => {
  stack = await startStack({ parts: ['postgres'] });
  database = await new DataSource({ type: 'postgres', url: stack.run().databases['key']! }).initialize();
  await database.query('create table key_uses (key_id uuid primary key, last_used_at text collate "C" not null)');
});
afterAll(async () => {
  await database?.destroy();
  await stack?.stop();
});

it('batches of several gateways cannot wait for each other, in whichever order they name their keys', async () => {
  const uses = new KeyUses(database);
  const inTurn = (at: string) => [second, first].map((key_id) => ({ key_id, at }));
  await uses.record(inTurn('2026-01-01T00:00:00.000Z'));
  const told = await database.transaction(async (other) => {
    await other.query('select 1 from key_uses where key_id = $1 for update', [first]);
    const waiting = uses.record(inTurn('2026-01-02T00:00:00.000Z'));
    await until(
      () => database.query<unknown[]>(blocked),
      ({ length }) => length === 1,
    );
    // Refused if the batch held this one while it waits for the first.
    await other.query('select 1 from key_uses where key_id = $1 for update nowait', [second]);
    return { waiting };
  });
  await told.waiting;
});

it('the latest use counts, and none that a clock told which ran ahead', async () => {
  const uses = new KeyUses(database);
  const key_id = '33333333-3333-4333-8333-333333333333';
  const stored = async (at: string) => {
    await uses.record([{ key_id, at }]);
    const text = 'select last_used_at from key_uses where key_id = $1';
    return (await database.query<[{ last_used_at: string }]>(text, [key_id]))[0].last_used_at;
  };
  const now = new Date().toISOString();
  expect(await stored('2999-01-01T00:00:00.000Z')).toBe('2999-01-01T00:00:00.000Z');
  expect(await stored(now)).toBe(now);
  expect(await stored('2026-01-01T00:00:00.000Z')).toBe(now);
});
