import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { newCaller } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { missingRecipes, type Operation, operationsOf, send, type Way, waysToName } from './isolation-walk.js';
import { bodies } from './isolation-recipes.js';
import { type Caller, everythingOf, liveWorld, nobodys, testWorld, type World } from './isolation-world.js';

const stack = sharedStack();
let a: World;
let aTest: World;
let b: World;
let operations: Operation[];

beforeAll(async () => {
  [a, b] = await Promise.all([liveWorld(stack), liveWorld(stack)]);
  aTest = await testWorld(stack, a);
  operations = operationsOf((await a.household.api.get('/openapi.json')).body);
});

describe('the route table', () => {
  it('has no route of which this test does not know how to ask for another tenant’s things', () => {
    expect(operations.length).toBeGreaterThan(50);
    expect(operations.flatMap(missingRecipes)).toEqual([]);
  });

  it('has every route that this test knows a body for', () => {
    const names = operations.map(({ name }) => name);
    expect(Object.keys(bodies).filter((name) => !names.includes(name))).toEqual([]);
  });
});

/** Whoever makes a project's live keys has the same right over those for tests: test/projects.spec.ts. */
const ofLiveKeys = ['GET /v1/api-keys', 'DELETE /v1/api-keys/{id}'];
/** What holds for live is refused to test keys, whatever it names: the same file. */
const notForTests = ['POST /v1/projects'];

describe.each([
  ['a household key of another project', () => ({ caller: b.household, owner: a })],
  ['a platform key of another project', () => ({ caller: b.platform, owner: a })],
  ['a test key of the same project', () => ({ caller: aTest.platform, owner: a, but: notForTests })],
  ['a live household key of the same project', () => ({ caller: a.household, owner: aTest, but: ofLiveKeys })],
  ['a live platform key of the same project', () => ({ caller: a.platform, owner: aTest, but: ofLiveKeys })],
])('to %s', (_, given: () => { caller: Caller; owner: World; but?: string[] }) => {
  const open = () => operations.filter(({ name, path }) => given().caller.opens(path) && !given().but?.includes(name));

  it('a thing of this tenant is as unknown as one that nobody has, on every route', async () => {
    const { caller, owner } = given();
    const before = await everythingOf(owner);
    const wrong: string[] = [];
    for (const operation of open())
      for (const way of waysToName(operation)) wrong.push(...(await difference(caller, owner, { operation, way })));
    expect(wrong).toEqual([]);
    expect(await everythingOf(owner)).toEqual(before);
  });

  it('nothing of this tenant is in any list, nor in what comes of the caller’s own wishes', async () => {
    const { caller, owner } = given();
    const wrong: string[] = [];
    for (const operation of open().filter(({ path }) => !path.includes('{'))) {
      if (operation.method !== 'GET' && waysToName(operation).length > 0) continue;
      const { status, text } = await send(caller, operation, nobodys()[0]!);
      const seen = owner.marks.filter((mark) => text.includes(mark));
      if (status >= 400) wrong.push(`${operation.name}: ${status} ${text.slice(0, 200)}`);
      if (seen.length > 0) wrong.push(`${operation.name} shows ${seen.join(', ')}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('what two tenants may have alike', () => {
  it('is an e-mail address', async () => {
    const email = `${randomUUID()}@example.com`;
    const create = ({ household }: World) => household.api.post('/api/v1/users', { name: 'Ada', email });
    expect([(await create(a)).status, (await create(b)).status, (await create(a)).status]).toEqual([201, 201, 409]);
  });

  it('is a place for a connection, each with a secret of its own', async () => {
    const wish = { server_id: 'asaas', secret: 'x', user_id: 'one and the same' };
    const answers = [];
    for (const { platform } of [a, b, aTest]) answers.push(await platform.api.post('/v1/connections', wish));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => (body as { id: string }).id)).size).toBe(3);
  });

  it('is an Idempotency-Key: by another API key it is another wish', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const wish = { server_id: 'asaas', secret: 'x', user_id: headers['idempotency-key'] };
    const ask = ({ api }: Caller) => api.post('/v1/connections', wish, headers);
    const first = await ask(a.platform);
    expect((await ask(a.platform)).text).toBe(first.text);
    for (const caller of [b.platform, b.household, aTest.platform]) {
      const { text, headers: sent } = await ask(caller);
      expect(sent.get('idempotency-replayed')).toBeNull();
      expect(text).not.toContain((first.body as { id: string }).id);
    }
  });

  it('is not remembered of the other: a user known to one is unknown to the other a moment later', async () => {
    const mint = ({ household }: World) => household.api.post('/api/v1/connections/link', { user_id: a.ids[0]!.user });
    expect([(await mint(a)).status, (await mint(b)).status, (await mint(a)).status]).toEqual([201, 404, 201]);
  });

  it('is the sandbox bank, whose ledger shows each its own', async () => {
    const ledger = async ({ household }: World) =>
      (await household.api.get('/api/v1/sandbox/ledger')).body.items as { id: string }[];
    const [ofA, ofB] = [await ledger(a), await ledger(b)];
    expect([ofA.length, ofB.length]).toEqual([1, 1]);
    expect(ofA[0]!.id).not.toBe(ofB[0]!.id);
  });
});

describe('a key', () => {
  it('of the platform opens nothing of the household', async () => {
    for (const { api } of [a.platform, aTest.platform])
      expect((await api.get('/api/v1/users')).body.error.code).toBe('INVALID_API_KEY');
  });

  it('that reads only is refused before anybody looks for what it asks for', async () => {
    const { api } = await newCaller(stack.run(), 'read_only');
    for (const ids of [a.ids[0]!, nobodys()[0]!]) {
      expect((await api.delete(`/api/v1/users/${ids.user}`)).status).toBe(403);
      expect((await api.get(`/api/v1/users/${ids.user}`)).status).toBe(404);
    }
  });
});

/** Asks for the owner's thing and for one that nobody has; says how the caller could tell them apart. */
async function difference(
  caller: Caller,
  owner: World,
  { operation, way }: { operation: Operation; way: Way },
): Promise<string[]> {
  const wrong: string[] = [];
  const unknown = nobodys();
  for (const [form, ids] of owner.ids.entries()) {
    // The platform writes its ids in one form only.
    if (form > 0 && operation.path.startsWith('/v1/')) break;
    const one = await send(caller, operation, ids, way);
    const other = await send(caller, operation, unknown[form]!, way);
    const name = `${operation.name} (${way.by} ${way.kind})`;
    const isList = way.by === 'query' && operation.method === 'GET';
    if (one.status !== other.status || one.text !== other.text) {
      wrong.push(`${name}: ${one.status} ${one.text}, but ${other.status} ${other.text} for an unknown one`);
    } else if (one.status < 400 && !isList) {
      wrong.push(`${name}: ${one.status} for an unknown one; if it names nothing of a tenant, say so in the recipes`);
    }
  }
  return wrong;
}
