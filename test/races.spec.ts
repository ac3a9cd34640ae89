import { beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { platformConnectionId } from '#contracts/ids.js';
import { type Answer, type Api, newCaller, newUser, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';
import { allow, bankUrlOf, type Grant, openLink, type PageVisit, type Started } from './page-visit.js';
import { patiently } from './platform-caller.js';
import { type Held, together } from './together.js';

const ROUNDS_OF_TWO = 12;
const ROUNDS = 6;
const providers = ['plaid', 'teller'] as const;
type Provider = (typeof providers)[number];

const stack = sharedStack();
const bankUrl = bankUrlOf(stack);
let api: Api;
let key: string;
let user_id: string;

beforeAll(async () => {
  ({ api, key } = await newCaller(stack.run()));
  user_id = await newUser(api);
});

/** A person who has signed in at the bank and stands before the last step. */
interface Signed extends Grant {
  visit: PageVisit;
  attempt_id: string;
}

interface Minted {
  id: string;
  url: string;
}
const mint = async (provider: Provider): Promise<Minted> =>
  (await api.post('/api/v1/connections/link', { user_id, provider, single_use: true })).body as Minted;
const relink = async (connection: string): Promise<Minted> =>
  (await api.post(`/api/v1/connections/${connection}/relink`)).body as Minted;

async function signIn(url: string, provider: Provider): Promise<Signed> {
  const visit = await openLink(url);
  expect((await visit.post('activate')).status).toBe(200);
  const started = (await visit.post('start', { provider })).body as Started;
  return { visit, attempt_id: started.attempt_id, ...(await allow(bankUrl, started)) };
}

const finishing = ({ visit, attempt_id, token }: Signed): Held => visit.held('finish', { attempt_id, token });
const deletion = (path: string): Held => ({
  method: 'DELETE',
  url: stack.url + path,
  headers: { 'x-api-key': key },
  body: {},
});

const said = ({ status, body }: Answer) => [status, body?.error?.code ?? body?.status] as const;
const session = (id: string) => api.get(`/api/v1/connections/link/${id}`);

/** The session once it has ended. What a page did is seen by a key's reads soon, not at once. */
const settled = (id: string) =>
  until(
    () => session(id),
    ({ body }) => ['completed', 'failed'].includes(body.status as string),
    15_000,
  );

/** The session once no attempt is under way in it: it may go on with another. */
const atRest = (id: string) =>
  until(
    () => session(id),
    ({ body }) => body.status !== 'consumed',
    15_000,
  );

interface Item {
  id: string;
  provider: Provider;
  state: 'live' | 'removed';
}

/** The bank's own, which also has the logins that nobody here has ever heard of. */
async function ledger(): Promise<Item[]> {
  const reply = await fetch(`${bankUrl}/sandbox/ledger`);
  return ((await reply.json()) as { items: Item[] }).items;
}

async function query<Row>(sql: string, values: unknown[] = []): Promise<Row[]> {
  const database = new Client({ connectionString: stack.run().databases['connection']! });
  await database.connect();
  try {
    return (await database.query(sql, values)).rows as Row[];
  } finally {
    await database.end();
  }
}

/** The logins of these connections and no other of the signed-in people are live at the bank. */
async function noOrphan(people: Signed[], connectionIds: string[]): Promise<void> {
  const enrolled = people.flatMap(({ enrollmentId }) => enrollmentId ?? []);
  await until(
    async () => {
      const text = 'select provider_item_id from connections where id = any($1)';
      const rows = await query<{ provider_item_id: string }>(text, [connectionIds]);
      const live = (await ledger()).filter(({ state }) => state === 'live').map(({ id }) => id);
      return { known: rows.map((row) => row.provider_item_id), live };
    },
    ({ known, live }) =>
      known.length === connectionIds.length &&
      known.every((id) => live.includes(id)) &&
      enrolled.every((id) => !live.includes(id) || known.includes(id)),
  );
}

/** Plaid's items cannot be told apart by who made them: each live one, whoever made it, has its connection soon. */
const everyItemIsKnown = () =>
  until(
    async () => {
      const rows = await query<{ provider_item_id: string }>('select provider_item_id from connections');
      const known = new Set(rows.map((row) => row.provider_item_id));
      return (await ledger()).filter(
        ({ id, provider, state }) => provider === 'plaid' && state === 'live' && !known.has(id),
      );
    },
    (orphans) => orphans.length === 0,
    15_000,
  );

/** What an attempt leaves in the tables of the connection service once it is over: nothing. */
const nothingLeft = (people: Signed[]) =>
  until(
    () => {
      const ids = people.map(({ attempt_id }) => attempt_id);
      const fields = ids.map((id) => `attempt ${id}`);
      return query(
        `select attempt_id from link_attempts where attempt_id = any($1) and state <> 'started'
         union select field from vault_entries where field = any($2)`,
        [ids, fields],
      );
    },
    (rows) => rows.length === 0,
  );

const CONSUMED = [410, 'CONSUMED'];
/** A machine that is busy answers before the bank has; the page goes on looking then. */
const won = [
  [200, 'completed'],
  [200, 'consumed'],
];

async function raceForOneUse(provider: Provider, browsers: number): Promise<void> {
  const { id, url } = await mint(provider);
  const people: Signed[] = [];
  while (people.length < browsers) people.push(await signIn(url, provider));
  const first = await together(people.map(finishing));
  const again = async (person: Signed) => (await together([finishing(person)]))[0]!;
  // So many at once may be more than a busy machine can answer in time: who is told to ask again does.
  const answers = await Promise.all(
    first.map(async (answer, n) => (answer.status === 503 ? patiently(() => again(people[n]!)) : answer)),
  );
  const [winner, ...losers] = answers.map(said).sort();
  expect(won).toContainEqual(winner);
  // Who had to ask again may have been refused the first time already, and then has no attempt any more.
  const lost = first.some(({ status }) => status === 503) ? [CONSUMED, [409, 'INVALID_STATE']] : [CONSUMED];
  for (const loser of losers) expect(lost).toContainEqual(loser);
  const { body } = await settled(id);
  expect(body.status).toBe('completed');
  expect(body.result_connection_ids).toHaveLength(1);
  await nothingLeft(people);
  await noOrphan(people, body.result_connection_ids as string[]);
}

describe.each(providers)('one use of a %s link', (provider) => {
  it(`goes to one of two browsers that finish at once, ${ROUNDS_OF_TWO} times`, async () => {
    for (let round = 0; round < ROUNDS_OF_TWO; round++) await raceForOneUse(provider, 2);
    await everyItemIsKnown();
  });

  it('goes to one of twenty browsers', async () => {
    await raceForOneUse(provider, 20);
    await everyItemIsKnown();
  });

  it('is taken once by the same finish sent twice', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { id, url } = await mint(provider);
      const person = await signIn(url, provider);
      const answers = (await together([finishing(person), finishing(person)])).map(said);
      expect(answers.map(([status]) => status).filter((status) => status !== 200 && status !== 409)).toEqual([]);
      const { body } = await settled(id);
      expect([body.status, body.result_connection_ids]).toEqual(['completed', [expect.any(String)]]);
      await nothingLeft([person]);
      await noOrphan([person], body.result_connection_ids as string[]);
    }
  });

  it('is either taken or given up, never both', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { id, url } = await mint(provider);
      const person = await signIn(url, provider);
      const [finished, gaveUp] = (await together([finishing(person), person.visit.held('give-up', {})])).map(said);
      await expectOneWinner(id, person, { finished: finished!, ended: gaveUp!, endedWith: 200 });
    }
  });

  it('is either taken or cancelled, never both', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { id, url } = await mint(provider);
      const person = await signIn(url, provider);
      const cancel = deletion(`/api/v1/connections/link/${id}`);
      const [finished, cancelled] = (await together([finishing(person), cancel])).map(said);
      await expectOneWinner(id, person, { finished: finished!, ended: cancelled!, endedWith: 204 });
    }
  });
});

interface Outcome {
  finished: ReturnType<typeof said>;
  ended: ReturnType<typeof said>;
  endedWith: number;
  /** What the end is told when it comes second. */
  refusal?: string;
}

/** Who comes second is told so, and the session, its connections and the bank say the same. */
async function expectOneWinner(id: string, person: Signed, outcome: Outcome): Promise<void> {
  const { finished, ended, endedWith, refusal = 'INVALID_STATE' } = outcome;
  const { body } = await settled(id);
  const ids = body.result_connection_ids as string[];
  if (ended[0] === endedWith) {
    expect([finished, body.status, ids]).toEqual([[410, 'GONE'], 'failed', []]);
  } else {
    expect([ended, body.status, ids.length]).toEqual([[409, refusal], 'completed', 1]);
    expect(won).toContainEqual(finished);
  }
  await nothingLeft([person]);
  await noOrphan([person], ids);
}

describe.each(providers)('the user of a %s link', (provider) => {
  const mintForNewUser = async () => {
    const user = await newUser(api);
    const minted = (await api.post('/api/v1/connections/link', { user_id: user, provider, single_use: true })).body;
    return { user, ...(minted as Minted) };
  };

  it('takes the link along when deleted before an attempt', async () => {
    const { user, id, url } = await mintForNewUser();
    const visit = await openLink(url);
    await visit.post('activate');
    expect((await api.delete(`/api/v1/users/${user}`)).status).toBe(204);
    expect(said(await visit.post('start', { provider }))).toEqual([410, 'GONE']);
    expect((await settled(id)).body.error_code).toBe('USER_DELETED');
    expect(said(await visit.post('activate'))).toEqual([410, 'GONE']);
  });

  it('gets no other link once the deletion has been answered', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { user } = await mintForNewUser();
      expect((await api.delete(`/api/v1/users/${user}`)).status).toBe(204);
      expect(said(await api.post('/api/v1/connections/link', { user_id: user }))).toEqual([404, 'NOT_FOUND']);
    }
  });

  it('gets no connection when deleted while an attempt is finished', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { user, id, url } = await mintForNewUser();
      const person = await signIn(url, provider);
      const [finished, deleted] = await together([finishing(person), deletion(`/api/v1/users/${user}`)]);
      await expectOneWinner(id, person, {
        finished: said(finished!),
        ended: said(deleted!),
        ...{ endedWith: 204, refusal: 'USER_HAS_DEPENDENTS' },
      });
    }
    await everyItemIsKnown();
  });
});

describe('a link that is cancelled', () => {
  it('is over for whoever opens it at that moment', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { id, url } = await mint('plaid');
      const visit = await openLink(url);
      const cancel = deletion(`/api/v1/connections/link/${id}`);
      const [cancelled, activated] = await together([cancel, visit.held('activate', {})]);
      expect(cancelled!.status).toBe(204);
      expect([200, 410]).toContain(activated!.status);
      const { body } = await session(id);
      expect([body.status, body.error_code]).toEqual(['failed', 'CANCELLED']);
      expect(said(await visit.post('start', { provider: 'plaid' }))).toEqual([410, 'GONE']);
    }
  });

  it('is cancelled once by two who ask at once', async () => {
    const { id } = await mint('plaid');
    const cancel = deletion(`/api/v1/connections/link/${id}`);
    const answers = (await together([cancel, cancel])).map(({ status }) => status);
    expect(answers.sort()).toEqual([204, 409]);
  });

  it('leaves alone what is minted at the same time', async () => {
    const { id } = await mint('plaid');
    const minting: Held = {
      method: 'POST',
      url: `${stack.url}/api/v1/connections/link`,
      headers: { 'x-api-key': key },
      body: { user_id },
    };
    const [cancelled, minted] = await together([deletion(`/api/v1/connections/link/${id}`), minting]);
    expect([cancelled!.status, minted!.status]).toEqual([204, 201]);
    expect((await session(minted!.body.id as string)).body.status).toBe('pending');
  });
});

describe.each(providers)('a %s connection that is disconnected while it is being relinked', (provider) => {
  async function connect(): Promise<string> {
    const { id, url } = await mint(provider);
    await together([finishing(await signIn(url, provider))]);
    return ((await settled(id)).body.result_connection_ids as [string])[0];
  }

  it('ends, and its session does not wait for ever', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const connection = await connect();
      const { id, url } = await relink(connection);
      const person = await signIn(url, provider);
      const [, disconnected] = await together([finishing(person), deletion(`/api/v1/connections/${connection}`)]);
      expect(disconnected!.status).toBe(204);
      await nothingLeft([person]);
      await atRest(id);
      expect((await api.get(`/api/v1/connections/${connection}`)).body.status).toBe('disconnected');
      const [item] = await query<{ provider_item_id: string }>(
        'select provider_item_id from connections where id = $1',
        [connection],
      );
      expect((await ledger()).find(({ id: itemId }) => itemId === item!.provider_item_id)?.state).toBe('removed');
      const left = await query('select field from vault_entries where connection_id = $1', [connection]);
      expect(left).toEqual([]);
    }
  });

  it('ends also when it was disconnected before the person was done', async () => {
    const connection = await connect();
    const { id, url } = await relink(connection);
    const person = await signIn(url, provider);
    expect((await api.delete(`/api/v1/connections/${connection}`)).status).toBe(204);
    const finished = await person.visit.post('finish', { attempt_id: person.attempt_id, token: person.token });
    expect(said(finished)).toEqual([409, 'CONNECTION_DISCONNECTED']);
    expect((await settled(id)).body).toMatchObject({
      error_code: 'CONNECTION_DISCONNECTED',
      result_connection_ids: [],
    });
    await nothingLeft([person]);
  });

  it.each([
    ['disconnected', (id: string) => `/api/v1/connections/${id}`],
    ['deleted', (id: string) => `/v1/connections/${platformConnectionId(id)}`],
  ])('ends at the start when it was %s before', async (_, path) => {
    const connection = await connect();
    const { id, url } = await relink(connection);
    const headers = { authorization: `Bearer ${key}` };
    expect((await api.call('DELETE', path(connection), undefined, headers)).status).toBe(204);
    const visit = await openLink(url);
    await visit.post('activate');
    expect(said(await visit.post('start', { provider }))).toEqual([409, 'CONNECTION_DISCONNECTED']);
    expect((await settled(id)).body).toMatchObject({ status: 'failed', error_code: 'CONNECTION_DISCONNECTED' });
    expect(said(await visit.post('activate'))).toEqual([410, 'GONE']);
    expect((await fetch(url)).status).toBe(410);
  });
});
