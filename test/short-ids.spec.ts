import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createKeyBody } from '#contracts/api/api-keys.js';
import { startLinkBody } from '#contracts/api/connect-links.js';
import { mintBody } from '#contracts/api/link-sessions.js';
import { type Context, defaultTenant } from '#contracts/envelope.js';
import { shortIdOf } from '#contracts/ids.js';
import { hashSecret, newHouseholdKey, newToken, type Random } from '#contracts/secrets.js';
import type { Bus } from '#service/bus.js';
import { connectAs, contextFor, newTenant } from '#testing/callers.js';
import { sharedStack } from '#testing/stack.js';
import type { FastifyRequest } from 'fastify';
import { createLocally } from '../apps/cli/src/commands/keys.js';
import { ApiKeyController } from '../apps/gateway/src/api-key.controller.js';
import { ConnectLinkController } from '../apps/gateway/src/connect-link.controller.js';
import { HouseholdKeys } from '../apps/gateway/src/household-keys.js';
import { gatewayEnv } from '../apps/gateway/src/config.js';
import { Services } from '../apps/gateway/src/services.js';
import { LinkSessionController } from '../apps/gateway/src/link-session.controller.js';
import { Links } from '../apps/gateway/src/links.service.js';
import { TokenSealer } from '../apps/gateway/src/pages/token-sealer.js';
import { RedirectOrigins } from '../apps/gateway/src/redirect-origins.js';
import { UserController } from '../apps/gateway/src/user.controller.js';

/**
 * When two things meet in one short_id, the second one gets another. Keys and tokens are found by their hash, so only
 * real collisions will do: these were found among thirty million of each. Users take any short_id, from as small an
 * alphabet as a test likes. The services are those of the running stack.
 */
const collidingKeys = [
  ['bb_000000000000000000000000000000000000001X02U', 'bb_000000000000000000000000000000000000001i7fi'],
  ['bb_000000000000000000000000000000000000000YyrU', 'bb_000000000000000000000000000000000000001NSJ8'],
] as const;
const collidingTokens = [
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAxP1AA',
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1gpKVA',
] as const;

let bus: Bus;
let services: Services;
let context: Context;

beforeAll(async () => {
  bus = await connectAs('gateway', sharedStack().run());
  services = new Services(bus);
});
afterAll(() => bus.onApplicationShutdown());

/** Draws these first, and then something nobody has drawn. */
function drawing(...draws: Buffer[]): Random {
  const left = [...draws];
  return (bytes) => left.shift() ?? randomBytes(bytes);
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const bytesOfKey = (key: string): Buffer => {
  const value = [...key.slice(3)].reduce((sum, digit) => sum * 62n + BigInt(DIGITS.indexOf(digit)), 0n);
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
};
const bytesOfToken = (token: string): Buffer => Buffer.from(token, 'base64url');

const verify = async (key: string) => (await bus.ask('key.verify', { key_hashes: [hashSecret(key)] }))[0];

describe('what these tests draw', () => {
  it('collides', () => {
    for (const keys of collidingKeys) {
      expect(keys.map((key) => newHouseholdKey(drawing(bytesOfKey(key))))).toEqual(keys);
      expect(shortIdOf(hashSecret(keys[0]))).toBe(shortIdOf(hashSecret(keys[1])));
    }
    expect(collidingTokens.map((token) => newToken(drawing(bytesOfToken(token))))).toEqual(collidingTokens);
    const [one, two] = collidingTokens.map((token) => shortIdOf(hashSecret(token)));
    expect(one).toBe(two);
  });
});

describe('a short_id that is taken', () => {
  beforeAll(() => {
    context = contextFor(newTenant());
  });

  it('is not given to another key, created or rotated into', async () => {
    const keys = new ApiKeyController(services, new HouseholdKeys(services));
    const create = (random: Random) =>
      keys.create(contextFor(context.tenant), random, createKeyBody.parse({ name: 'x' }));
    const [first, second] = collidingKeys[0];
    expect((await create(drawing(bytesOfKey(first)))).plaintext_key).toBe(first);
    const created = await create(drawing(bytesOfKey(second)));
    expect(created.plaintext_key).not.toBe(second);
    expect(await verify(created.plaintext_key)).toMatchObject({ id: created.id });
    const again = contextFor(context.tenant);
    const rotated = await keys.rotate(again, drawing(bytesOfKey(second)), { grace_seconds: 0 }, created.id);
    expect(rotated.plaintext_key).not.toBe(second);
    expect(await verify(rotated.plaintext_key)).toMatchObject({ id: rotated.id, revoked_at: null });
    expect(await verify(second)).toBeNull();
    expect(await verify(first)).toMatchObject({ revoked_at: null });
  });

  it('is not given to another key by the command line', async () => {
    const [first, second] = collidingKeys[1];
    const create = (random: Random) => createLocally({ option: { name: 'x' } }, sharedStack().run(), random);
    expect((await create(drawing(bytesOfKey(first)))).plaintext_key).toBe(first);
    const created = await create(drawing(bytesOfKey(second)));
    expect(created.plaintext_key).not.toBe(second);
    expect(await verify(created.plaintext_key)).toMatchObject({ id: created.id });
  });

  it('is not given to another session', async () => {
    const user = { context: contextFor(context.tenant), user: { short_id: newShort(), name: 'Ada', email: null } };
    const { view } = await services.write('connection.user.create', user);
    const config = gatewayEnv.parse({});
    const links = new Links(services, config);
    const sessions = new LinkSessionController(services, links, new RedirectOrigins(bus, config));
    const mint = (token: string) => {
      const from = { headers: {}, protocol: 'http', host: 'localhost', context: contextFor(context.tenant) };
      const request = { ...from, random: drawing(bytesOfToken(token)) };
      const body = mintBody.parse({ user_id: view.id });
      return sessions.mint(request as unknown as FastifyRequest, from.context, body);
    };
    const first = await mint(collidingTokens[0]);
    const second = await mint(collidingTokens[1]);
    expect(first.token).toBe(collidingTokens[0]);
    expect(second.token).not.toBe(collidingTokens[1]);
    const read = (id: string) => services.read('link-session.get', { context: contextFor(context.tenant), id });
    expect([(await read(first.id)).id, (await read(second.id)).short_id]).toEqual([first.id, second.short_id]);
  });

  it('is not given to another Connect Link', async () => {
    const config = gatewayEnv.parse({});
    const links = new ConnectLinkController(services, config, new TokenSealer(bus), new RedirectOrigins(bus, config));
    const start = (token: string) => {
      const request = { random: drawing(bytesOfToken(token)), headers: {}, protocol: 'http', host: 'localhost' };
      const wish = { server_id: 'sandbox-oauth', user_id: 'u', redirect_uri: 'https://app.example/done' };
      const body = startLinkBody.parse(wish);
      return links.start(request as unknown as FastifyRequest, contextFor(defaultTenant), body);
    };
    expect((await start(collidingTokens[0])).link_token).toBe(collidingTokens[0]);
    expect((await start(collidingTokens[1])).link_token).not.toBe(collidingTokens[1]);
  });

  it('is not given to a connection of another place, whose credential stays its own', async () => {
    const sealer = new TokenSealer(bus);
    const short_id = newShort();
    const store = async (at: Context, secret: string) => {
      const wish = { short_id, server_id: 'stripe', user_id: null, sealed: await sealer.seal(JSON.stringify(secret)) };
      return bus.ask('connection.platform.store', { context: at, wish });
    };
    const [one, other] = [newTenant(), newTenant()];
    const first = await store(contextFor(one), 'sk_one');
    const second = await store(contextFor(other), 'sk_other');
    const third = await store(contextFor(other), 'sk_third');
    expect([first, second, third].map(({ created }) => created)).toEqual([true, true, false]);
    expect(second.view).toMatchObject({ ...other, id: third.view.id });
    expect(second.view.short_id).not.toBe(short_id);
    const again = await store(contextFor(one), 'sk_again');
    expect(again).toMatchObject({ created: false, view: { ...one, short_id, id: first.view.id } });
  });

  it('is not given to another user, from an alphabet of three letters, until there is none left', async () => {
    const users = new UserController(services);
    const salt = randomBytes(8).toString('hex');
    const letters = ['a', 'b', 'c'].map((letter) =>
      createHash('sha256')
        .update(salt + letter)
        .digest(),
    );
    const create = (name: string) => {
      const email = `${name}.${salt}@example.com`;
      return users.create(contextFor(context.tenant), drawing(...letters), { name, email });
    };
    const made = [await create('Ada'), await create('Grace'), await create('Linus')];
    expect(new Set(made.map(({ short_id }) => short_id)).size).toBe(3);
    await expect(create('Barbara')).rejects.toMatchObject({ code: 'ID_TAKEN' });
    const { users: shown } = await users.list(contextFor(context.tenant), { limit: 10, cursor: undefined });
    expect(shown.filter(({ email }) => email?.includes(salt))).toEqual(made.reverse());
  });
});

const newShort = () => shortIdOf(randomBytes(32).toString('hex'));
