import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { parsePlatformConnectionId } from '#contracts/ids.js';
import { until } from '#testing/api.js';
import { type Stack, startStack } from '#testing/stack.js';
import { KeyRing } from '../apps/connection/src/vault/key-ring.js';
import { type Slot, Vault } from '../apps/connection/src/vault/vault.service.js';
import { type PlatformCaller, platformCaller, someone } from './platform-caller.js';

/** Longer than it takes to stop a service that waits for nobody. */
const BANK_STANDS_MS = 2_000;

let stack: Stack;
let api: PlatformCaller;
let database: DataSource;

beforeAll(async () => {
  stack = await startStack({ servers: 'local' });
  api = await platformCaller(stack.run());
  database = await new DataSource({ type: 'postgres', url: stack.run().databases['connection']! }).initialize();
});
afterAll(async () => {
  await database?.destroy();
  await stack?.stop();
});

const isThere = async (rows: string): Promise<boolean> => (await database.query<unknown[]>(rows)).length > 0;

/** Stops the service while the bank, which stands still, has been asked for something. */
async function stopWhileAsking(isAsked: () => Promise<boolean>): Promise<void> {
  const { pid } = stack.run().parts['connection']!;
  await until(isAsked, (asked) => asked, 15_000);
  stack.kill('connection', 'SIGTERM');
  await wait(BANK_STANDS_MS);
  stack.kill('sandbox-bank', 'SIGCONT');
  await until(
    () => Promise.resolve(stack.run().parts['connection']!.pid),
    (now) => now !== pid,
    15_000,
  );
}

/** The callback's address of a Connect Link that its person has approved. */
async function approved(user_id: string): Promise<string> {
  const redirect_uri = 'https://app.example/done';
  const wish = { server_id: 'sandbox-oauth', user_id, redirect_uri };
  const { body } = await until(
    () => api.post('/v1/connections/start', wish),
    ({ status }) => status === 200 || status === 201,
  );
  const answer = await fetch(body.authorize_url as string, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ decision: 'approve' }),
  });
  return answer.headers.get('location')!;
}

async function back(callback: string): Promise<Record<string, string>> {
  const { headers } = await fetch(callback, { redirect: 'manual' });
  return Object.fromEntries(new URL(headers.get('location')!).searchParams);
}

/** As if its tokens had been given an hour ago: they live for a minute more. */
async function age(connection_id: string): Promise<void> {
  const vault = new Vault(new KeyRing({ VAULT_KEK_FILE: join(stack.dataDir, 'secrets/vault.key') }), database);
  const text = 'select project_id, environment from connections where id = $1';
  const [tenant] = await database.query<[Pick<Slot, 'project_id' | 'environment'>]>(text, [connection_id]);
  const slot: Slot = { ...tenant, connection_id, field: 'credential' };
  const times = { obtained_at: new Date(Date.now() - 3_600_000), expires_at: new Date(Date.now() + 60_000) };
  const secret = JSON.parse((await vault.read(slot))!) as object;
  await vault.put(database.manager, slot, JSON.stringify({ ...secret, ...times }));
  const due = 'update connections set token_refresh_at = $2 where id = $1';
  await database.query(due, [connection_id, new Date().toISOString()]);
}

describe('a service that is stopped while it waits for a provider', () => {
  it('stores what the code of a Connect Link brings, and answers the browser', async () => {
    const callback = await approved(someone());
    stack.kill('sandbox-bank', 'SIGSTOP');
    const answer = back(callback);
    await stopWhileAsking(() => isThere("select from connect_links where step = 'received'"));
    expect(await answer).toMatchObject({ status: 'connected' });
  });

  it('stores refreshed tokens: the old refresh token is over', async () => {
    const { connection_id } = await back(await approved(someone()));
    const id = parsePlatformConnectionId(connection_id!)!;
    stack.kill('sandbox-bank', 'SIGSTOP');
    await age(id);
    await stopWhileAsking(() => isThere('select from token_leases'));
    const refreshed = `select from connections where id = '${id}' and credential_version = 2 and state = 'connected'`;
    await until(
      () => isThere(refreshed),
      (found) => found,
      15_000,
    );
  });
});
