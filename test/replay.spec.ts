import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { Replay } from '#contracts/api/replays.js';
import { type Api, newCaller, until } from '#testing/api.js';
import { sharedStack } from '#testing/stack.js';

const program = resolve(__dirname, '../bin/latchkey.js');
const stack = sharedStack();
let admin: Api;
let reader: Api;

beforeAll(async () => {
  const caller = await newCaller(stack.run());
  admin = caller.api;
  reader = (await newCaller(stack.run(), 'read_only', caller.tenant)).api;
});

async function ended(wish: object): Promise<Replay> {
  const { id } = (await admin.post('/api/v1/replays', wish)).body as Replay;
  const look = async () => (await admin.get(`/api/v1/replays/${id}`)).body as Replay;
  return until(look, ({ state }) => state !== 'running', 30_000);
}

/** As the health of the parts names them. */
async function allViews(): Promise<string[]> {
  const { body } = await admin.get('/health/ready');
  const { parts } = body as { parts: Record<string, { views: { name: string }[] }> };
  return Object.values(parts)
    .flatMap(({ views }) => views.map(({ name }) => name))
    .sort();
}

/** The command line on this machine, without a key. */
const latchkey = (...args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((done) => {
    const options = { env: { PATH: process.env.PATH, DATA_DIR: stack.dataDir }, timeout: 40_000 };
    execFile(process.execPath, [program, ...args], options, (error, out, err) =>
      done({ code: error ? Number(error.code ?? -1) : 0, out, err }),
    );
  });

describe('replays', () => {
  it('build every read model of every service again, and find them as their events say', async () => {
    const replay = await ended({});
    expect(replay.views.map(({ view }) => view).sort()).toEqual(await allViews());
    for (const { view, ...one } of replay.views) {
      const nothing = { missing: 0, extra: 0, changed: 0, rows: [] };
      expect({ view, ...one }).toMatchObject({ view, state: 'done', phase: 'over', drift: nothing, error: null });
    }
    expect(replay).toMatchObject({ state: 'done', verify: false, drifted: false });
    const { replays } = (await admin.get('/api/v1/replays')).body as { replays: Replay[] };
    expect(replays).toContainEqual(replay);
  });

  it('are found by their id however it is written', async () => {
    const { id } = await ended({ view: 'users', verify: true });
    expect((await admin.get(`/api/v1/replays/${id.toUpperCase()}`)).body).toMatchObject({ id });
  });

  it('are offered by the help for each read model', async () => {
    const { out } = await latchkey('replay', '--help');
    for (const name of await allViews()) expect(out).toContain(name);
  });

  describe('on the command line, without a key', () => {
    const id = randomUUID();
    let database: Client;
    beforeAll(async () => {
      database = new Client(stack.run().databases['connection']);
      await database.connect();
      await database.query(
        `insert into users (id, short_id, project_id, environment, name, created_at, updated_at)
         values ($1, 'planted0', 'prj_nobody', 'live', 'Planted', '', '')`,
        [id],
      );
    });
    afterAll(() => database.end());

    const planted = { view: 'users', drift: { extra: 1, rows: [{ key: id, kind: 'extra', columns: [] }] } };

    it('--verify names what was planted, changes nothing and ends with 1', async () => {
      const { code, out, err } = await latchkey('replay', '--view', 'users', '--verify');
      expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^DRIFT: /) });
      expect(JSON.parse(out)).toMatchObject({ verify: true, drifted: true, views: [planted] });
      expect((await database.query('select 1 from users where id = $1', [id])).rowCount).toBe(1);
    });

    it('mends it', async () => {
      const { code, out, err } = await latchkey('replay', '--view', 'users');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(JSON.parse(out)).toMatchObject({ drifted: true, views: [planted] });
      expect((await database.query('select 1 from users where id = $1', [id])).rowCount).toBe(0);
      expect(await latchkey('replay', '--view', 'users', '--verify')).toMatchObject({ code: 0 });
    });

    it('refuses a view that nobody has', async () => {
      const { code, err } = await latchkey('replay', '--view', 'nonsense');
      expect({ code, err }).toEqual({ code: 1, err: 'NOT_FOUND: There is no view nonsense.\n' });
    });
  });

  it('are for those who may do everything', async () => {
    for (const asked of [reader.post('/api/v1/replays', {}), reader.get('/api/v1/replays')]) {
      expect((await asked).body).toMatchObject({ error: { code: 'FORBIDDEN' } });
    }
  });

  it.each([{ view: 'nonsense' }, { view: 7 }, { verify: 'yes' }])('refuse %j', async (wish) => {
    const { status } = await admin.post('/api/v1/replays', wish);
    expect(status).toBe('view' in wish && wish.view === 'nonsense' ? 404 : 400);
  });

  it('that nobody has started are not found', async () => {
    for (const id of [randomUUID(), 'x']) expect((await admin.get(`/api/v1/replays/${id}`)).status).toBe(404);
  });
});
