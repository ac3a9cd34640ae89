import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LEASE_MS } from '#contracts/key-lease.js';
import { apiWith, newCaller, until } from '#testing/api.js';
import type { Tenant } from '#contracts/envelope.js';
import { keyIdentity, newHouseholdKey } from '#contracts/secrets.js';
import type { Bus } from '#service/bus.js';
import { connectAs, contextFor } from '#testing/callers.js';
import { sharedStack } from '#testing/stack.js';
import { type AnotherGateway, anotherGateway } from './another-gateway.js';
import { behindProxy, type TcpProxy } from './tcp-proxy.js';

const stack = sharedStack();
const CLIENTS = 50;
const REVOKES = 200;
const CROWDED_MS = 40_000;

let bus: Bus;
let others: AnotherGateway[] = [];
let proxy: TcpProxy;
/** Three gateways; only the last one's bus goes through the proxy. */
let urls: string[];
let tenant: Tenant;
let admin: string;

beforeAll(async () => {
  const run = stack.run();
  const through = await behindProxy(run.nats.url);
  proxy = through.proxy;
  others = await Promise.all([anotherGateway(run), anotherGateway(run, { NATS_URL: through.url })]);
  urls = [run.url, ...others.map(({ url }) => url)];
  bus = await connectAs('gateway', run);
  ({ key: admin, tenant } = await newCaller(run));
});

afterAll(async () => {
  await Promise.all(others.map((gateway) => gateway.stop()));
  proxy.close();
  await bus.onApplicationShutdown();
});

async function newKey(): Promise<{ key: string; id: string }> {
  const key = newHouseholdKey();
  const household = { kind: 'household' as const, name: 'x', actor_name: null, created_by: 'x', expires_at: null };
  const terms = { ...keyIdentity(key), ...tenant, ...household, scopes: ['read_only' as const] };
  await bus.ask('key.create', { context: contextFor(tenant), terms });
  return { key, id: terms.id };
}

interface Asked {
  startedAt: number;
  endedAt: number;
  status: number;
  url: string;
}

/** By the clock that key times are told in, with fractions. */
const now = () => performance.timeOrigin + performance.now();

/** Asks for what a gateway answers by itself once it trusts the key. */
async function ask(url: string, key: string): Promise<Asked> {
  const startedAt = now();
  const response = await fetch(`${url}/v1/whoami`, { headers: { authorization: `Bearer ${key}` } });
  await response.arrayBuffer();
  return { startedAt, endedAt: now(), status: response.status, url };
}

/** Asks all gateways in turn without a pause, until `isEnough`. */
async function hammer(key: string, isEnough: (asked: Asked[]) => boolean): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (let turn = 0; !isEnough(asked); turn++) asked.push(await ask(urls[turn % urls.length]!, key));
  return asked;
}

/** A crowd may make a gateway say 503 now and then, and for longer where the machine has no core to spare. */
async function trustedEverywhere(key: string): Promise<void> {
  for (const url of urls) {
    await until(
      () => ask(url, key),
      ({ status }) => status === 200,
      CROWDED_MS,
    );
  }
}

const revoke = (url: string, id: string) =>
  until(
    () => apiWith(url, admin).delete(`/api/v1/api-keys/${id}`),
    ({ status }) => status === 204,
    CROWDED_MS,
  );

const startedAfter = (moment: number, asked: Asked[]) => asked.filter(({ startedAt }) => startedAt > moment);

/** Revokes while the key is used everywhere; what the gateways said to requests that started after the answer. */
async function revokeInUse(turn: number): Promise<Asked[]> {
  const { key, id } = await newKey();
  await trustedEverywhere(key);
  let answeredAt = Infinity;
  const hammering = hammer(key, (asked) => startedAfter(answeredAt, asked).length >= 2 * urls.length);
  await revoke(urls[turn % urls.length]!, id);
  answeredAt = now();
  return startedAfter(answeredAt, await hammering);
}

describe('a revocation', () => {
  it('is final: of 50 clients and 200 revokes at three gateways, no request that starts after the answer passes (I13)', async () => {
    const late: Asked[] = [];
    let turn = 0;
    const client = async () => {
      while (turn < REVOKES) late.push(...(await revokeInUse(turn++)));
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    expect(late.filter(({ status }) => status < 400)).toEqual([]);
    for (const url of urls) {
      const refused = late.filter((asked) => asked.url === url && asked.status === 401);
      expect(refused.length).toBeGreaterThanOrEqual(REVOKES);
    }
  }, 240_000);

  it.each(['silence', 'cut'] as const)('is final within 2 s when a gateway has lost the bus: %s', async (fault) => {
    const deaf = urls.at(-1)!;
    const { key, id } = await newKey();
    const { key: stays } = await newKey();
    await trustedEverywhere(key);
    await trustedEverywhere(stays);
    proxy[fault]();
    const brokenAt = now();
    const seen: Asked[] = [];
    let isOver = false;
    const watching = (async () => {
      while (!isOver) seen.push(await ask(deaf, key));
    })();
    try {
      const answer = await apiWith(urls[0]!, admin).delete(`/api/v1/api-keys/${id}`);
      const answeredAt = now();
      expect(answer.status).toBe(204);
      expect(answeredAt - brokenAt).toBeLessThan(LEASE_MS + 1_000);
      await wait(500);
      isOver = true;
      await watching;
      const accepted = seen.filter(({ status }) => status === 200);
      expect(startedAfter(answeredAt, accepted)).toEqual([]);
      expect(startedAfter(brokenAt + LEASE_MS, accepted)).toEqual([]);
      expect(seen.map(({ status }) => status)).toContain(503);
    } finally {
      isOver = true;
      proxy.restore();
    }
    await until(
      () => ask(deaf, stays),
      ({ status }) => status === 200,
    );
    expect((await ask(deaf, key)).status).toBe(401);
  });
});

describe('a rotation', () => {
  const rotate = async (id: string, grace_seconds: number) => {
    const { status, body } = await apiWith(urls[1]!, admin).post(`/api/v1/api-keys/${id}/rotate`, { grace_seconds });
    expect(status).toBe(201);
    return body.plaintext_key as string;
  };

  it('ends the old key exactly with its grace, at every gateway that remembers it', async () => {
    const { key, id } = await newKey();
    await trustedEverywhere(key);
    let end = Infinity;
    const hammering = hammer(key, (all) => startedAfter(end, all).length >= 2 * urls.length);
    const successor = await rotate(id, 5);
    const { body } = await apiWith(urls[0]!, admin).get(`/api/v1/api-keys/${id}`);
    end = Date.parse(body.expires_at as string);
    expect(body.revoked_at).toBeNull();
    const asked = await hammering;
    for (const { startedAt, endedAt, status } of asked) {
      if (startedAt >= end) expect(status).toBe(401);
      if (endedAt < end) expect([200, 503]).toContain(status);
    }
    expect(asked.filter(({ endedAt, status }) => endedAt < end && status === 200).length).toBeGreaterThanOrEqual(
      urls.length,
    );
    await trustedEverywhere(successor);
  });

  it('without a grace is a revocation', async () => {
    const { key, id } = await newKey();
    await trustedEverywhere(key);
    let answeredAt = Infinity;
    const hammering = hammer(key, (asked) => startedAfter(answeredAt, asked).length >= 2 * urls.length);
    const successor = await rotate(id, 0);
    answeredAt = now();
    expect(new Set(startedAfter(answeredAt, await hammering).map(({ status }) => status))).toEqual(new Set([401]));
    await trustedEverywhere(successor);
  });
});
