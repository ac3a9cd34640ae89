import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { Checkpoint } from '#contracts/audit-chain.js';
import { logger } from '#service/logger.js';
import type { Store } from '#service/store.js';
import { createProjectionTables } from '#service/migrations.js';
import { type Stack, startStack } from '#testing/stack.js';
import { AuditEntryRow } from '../apps/audit/src/audit-entry.entity.js';
import { CheckpointSigner } from '../apps/audit/src/checkpoint-signer.js';
import { migrations } from '../apps/audit/src/migrations/index.js';
import { LostKeys } from '../apps/audit/src/lost-keys.js';
import { SignCheckpoints } from '../apps/audit/src/sign-checkpoints.js';
import { KeyQueries } from '../apps/key/src/key-queries.js';
import type { KeyUses } from '../apps/key/src/key-uses.js';
import { ApiKeyRow } from '../apps/key/src/key.view.js';
import { IdempotentReplies } from '../apps/key/src/idempotent-replies.js';
import { ApiKeys1700000000001 } from '../apps/key/src/migrations/0001-api-keys.js';
import { RotationAndUse1700000000003 } from '../apps/key/src/migrations/0003-rotation-and-use.js';
import { LinkSessions1700000000001 } from '../apps/link-session/src/migrations/0001-link-sessions.js';
import { SessionQueries } from '../apps/link-session/src/session-queries.js';
import { IdempotentReplies1700000000002 } from '../apps/key/src/migrations/0002-idempotent-replies.js';

/** Of what jest would fake. */
const ALL_BUT_DATE = [
  ...(['hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'] as const),
  ...(['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] as const),
];

let stack: Stack;
let opened: DataSource[] = [];
const never = new AbortController().signal;

beforeAll(async () => void (stack = await startStack({ parts: ['postgres'] })));
afterAll(async () => {
  for (const one of opened) await one.destroy();
  opened = [];
  await stack?.stop();
});

async function database(
  schema: string,
  more: Pick<ConstructorParameters<typeof DataSource>[0], 'migrations' | 'entities'>,
) {
  const url = stack.run().databases[schema]!;
  const one = await new DataSource({ type: 'postgres', url, ...more, migrationsRun: true }).initialize();
  opened.push(one);
  return one;
}

const count = async (one: DataSource, table: string) =>
  (await one.query<{ n: number }[]>(`select count(*)::int as n from ${table}`))[0]!.n;

describe('old answers to an Idempotency-Key', () => {
  let keys: DataSource;
  beforeAll(async () => void (keys = await database('key', { migrations: [IdempotentReplies1700000000002] })));
  beforeEach(() => keys.query('truncate idempotent_replies'));

  const begunAgainAfter = async (age: string) => {
    await keys.query(`insert into idempotent_replies (scope, body_hash, seed, status, sealed, leased_until, created_at)
      values ('scope', 'body', 'seed', 201, 'sealed', now() - interval '${age}', now() - interval '${age}')`);
    return new IdempotentReplies(keys).begin('scope', 'body');
  };

  it('are given for 24 hours', async () => {
    expect(await begunAgainAfter('23:59')).toEqual({ state: 'done', status: 201, sealed: 'sealed' });
  });

  it('are forgotten then: the wish is a new one, with another seed and for as long again', async () => {
    const state = await begunAgainAfter('24:01');
    expect(state).toEqual({ state: 'run', seed: expect.not.stringMatching(/^seed$/), again: false });
    await new IdempotentReplies(keys).clear(new AbortController().signal);
    expect(await new IdempotentReplies(keys).begin('scope', 'body')).toEqual({ state: 'in_flight' });
  });

  it('are worked out anew where the clock of the database was put back since their runner died', async () => {
    await keys.query(`insert into idempotent_replies (scope, body_hash, seed, leased_until)
      values ('scope', 'body', 'seed', now() + interval '1 hour')`);
    expect(await new IdempotentReplies(keys).begin('scope', 'body')).toEqual({
      state: 'run',
      seed: 'seed',
      again: true,
    });
  });

  it('are cleared in parts, however many have come together, and no newer ones', async () => {
    await keys.query(`insert into idempotent_replies (scope, body_hash, seed, leased_until, created_at)
      select 'scope ' || n, '', '', now(), now() - case when n <= 4500 then interval '24:01' else interval '23:59' end
      from generate_series(1, 4510) n`);
    await new IdempotentReplies(keys).clear(new AbortController().signal);
    expect(await count(keys, 'idempotent_replies')).toBe(10);
  });
});

describe('what is ended by time', () => {
  let keys: DataSource;
  let sessions: DataSource;
  const ends = (ms: number) => new Date(Date.now() + ms).toISOString();
  const [soon, over] = [ends(60_000), ends(-1_000)];

  beforeAll(async () => {
    const keyMigrations = [IdempotentReplies1700000000002, ApiKeys1700000000001, RotationAndUse1700000000003];
    keys = await database('key', { migrations: keyMigrations, entities: [ApiKeyRow] });
    sessions = await database('link_session', { migrations: [LinkSessions1700000000001] });
    await sessions.query(
      `insert into link_sessions select gen_random_uuid(), '', 'prj_1', 'live', gen_random_uuid(), '', '', null, true, '', '',
         'pending', null, null, '{}', ends, null, null, '', '{}' from unnest($1::text[]) ends`,
      [[soon, over]],
    );
    await keys.query(
      `insert into api_keys (id, short_id, project_id, environment, kind, name, key_prefix, scopes, created_by, created_at,
         retires_at, successor_id)
       select gen_random_uuid(), '', 'prj_1', 'live', 'household', '', '', '{}', '', '', ends, gen_random_uuid()
       from unnest($1::text[]) ends`,
      [[soon, over]],
    );
    jest.useFakeTimers({ now: Date.now() + 300_000, doNotFake: ALL_BUT_DATE });
  });
  afterAll(() => void jest.useRealTimers());

  it('is a session whose time is over by the clock of Postgres, whatever the own clock says', async () => {
    const { due } = await new SessionQueries({ dataSource: sessions } as Store).expired();
    expect(due.map(({ expires_at }) => expires_at)).toEqual([over]);
  });

  it('is a rotated key whose grace is over by the clock of Postgres, too', async () => {
    const store = { dataSource: keys, project: () => undefined } as unknown as Store;
    const due = await new KeyQueries(store, {} as KeyUses).afterGrace();
    expect(due.map(({ retires_at }) => retires_at)).toEqual([over]);
  });
});

describe('the ends of chains', () => {
  let audit: DataSource;
  /** What happens while a place is being signed. */
  let meanwhile: string | undefined;
  let signing: SignCheckpoints;
  let signed: Checkpoint[];
  beforeAll(async () => {
    audit = await database('audit', { migrations, entities: [AuditEntryRow] });
    await createProjectionTables(audit.createQueryRunner());
  });
  beforeEach(async () => {
    [meanwhile, signed] = [undefined, []];
    const sign = async (end: Checkpoint) => {
      signed.push(end);
      if (meanwhile) await audit.query(meanwhile);
      return 'signature';
    };
    signing = new SignCheckpoints({ dataSource: audit } as Store, { sign } as unknown as CheckpointSigner);
    await audit.query('truncate audit_entries, audit_checkpoints, parked_events');
  });

  const grow = (seq: number, projects: number) =>
    audit.query(`insert into audit_entries (position, id, at, type, project_id, environment, subject_kind, subject_id,
          actor_type, actor_id, actor_name, request_id, correlation_id, causation_id, data, seq, hash)
        select ${seq} * 10000 + n, gen_random_uuid(), '', '', 'prj_' || to_char(n, 'FM0000'), 'live', 'user', '',
          'api_key', '', '', '', '', '', '{}', ${seq}, ''
        from generate_series(1, ${projects}) n`);

  it('are all signed in a round, also of more chains than a statement looks at, each of which costs no more than it has', async () => {
    await grow(1, 2_500);
    await audit.query('analyze audit_entries');
    const asked = jest.spyOn(audit, 'query');
    await signing.signAll(never);
    const looks = await Promise.all(
      asked.mock.results.flatMap(({ value }, index) =>
        asked.mock.calls[index]![0].includes('recursive') ? [value as Promise<{ project_id: string }[]>] : [],
      ),
    );
    asked.mockRestore();
    expect(looks.map(({ length }) => length)).toEqual([1_000, 1_000, 500]);
    expect(await count(audit, 'audit_checkpoints')).toBe(2_500);
  });

  it('of which nobody has grown since are passed over', async () => {
    await grow(1, 1_500);
    await signing.signAll(never);
    await grow(2, 1);
    signed = [];
    await signing.signAll(never);
    expect(signed).toMatchObject([{ project_id: 'prj_0001', seq: 2 }]);
  });

  it.each([
    ['an event is parked', `insert into parked_events values ('audit_entries', gen_random_uuid(), '', '', '', '')`],
    ['a replay makes the chain anew', `update audit_entries set hash = 'another'`],
  ])('are not signed when %s while they are being signed', async (_, change) => {
    await grow(1, 1);
    meanwhile = change;
    await signing.signAll(never);
    expect(await count(audit, 'audit_checkpoints')).toBe(0);
  });

  it('are signed again once nothing is parked any more', async () => {
    await grow(1, 1);
    await audit.query(`insert into parked_events values ('audit_entries', gen_random_uuid(), '', '', '', '')`);
    await signing.signAll(never);
    expect(await count(audit, 'audit_checkpoints')).toBe(0);
    await audit.query('truncate parked_events');
    await signing.signAll(never);
    expect(await count(audit, 'audit_checkpoints')).toBe(1);
  });

  it('that were signed with a key that is not here any more are told of at the start, key by key', async () => {
    const keys = [1, 2, 3].map(() => generateKeyPairSync('ed25519').privateKey);
    const [first, second, third] = await Promise.all(keys.map((key) => CheckpointSigner.with([key])));
    const place = { environment: 'live' as const, hash: '' };
    for (const [signer, project_id, seq] of [
      [first!, 'prj_1', 1],
      [second!, 'prj_1', 2],
      [third!, 'prj_1', 3],
      [third!, 'prj_2', 1],
    ] as const) {
      const values = [project_id, seq, await signer.sign({ ...place, project_id, seq })];
      await audit.query(`insert into audit_checkpoints values ($1, 'live', $2, '', now(), $3)`, values);
    }
    const warned = jest.spyOn(logger, 'warn').mockImplementation(() => undefined);
    const lostWith = async (...held: KeyObject[]) => {
      warned.mockClear();
      await new LostKeys({ dataSource: audit } as Store, await CheckpointSigner.with(held)).look();
      return warned.mock.calls.map(([what]) => (what as { lost: string[] }).lost);
    };
    expect(await lostWith(...keys)).toEqual([]);
    expect(await lostWith(keys[1]!, keys[0]!)).toEqual([[third!.jwks[0]!.kid]]);
    expect((await lostWith(keys[1]!))[0]).toHaveLength(2);
    warned.mockRestore();
  });
});
