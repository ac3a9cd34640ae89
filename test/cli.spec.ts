import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sharedStack } from '#testing/stack.js';

const program = resolve(__dirname, '../bin/latchkey.js');
const stack = sharedStack();
const started: ChildProcess[] = [];
let empty: string;
let key: string;
let user: string;

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** Runs the command line as it is installed, in an environment of its own. */
const latchkey = (
  args: string[],
  env: NodeJS.ProcessEnv = { DATA_DIR: stack.dataDir, LATCHKEY_API_KEY: key },
  cwd?: string,
) =>
  new Promise<Ended>((ended) => {
    const options = { cwd, env: { PATH: process.env.PATH, NODE_ENV: 'test', ...env }, timeout: 20_000 };
    execFile(process.execPath, [program, ...args], options, (error, out, err) => {
      ended({ code: error ? Number(error.code ?? -1) : 0, out, err });
    });
  });

async function json<T>(args: string[], env?: NodeJS.ProcessEnv): Promise<T> {
  const { code, out, err } = await latchkey(args, env);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as T;
}

beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'latchkey-cli-'));
  const args = ['keys', 'create', '--name', 'command line', '--scope', 'full_access'];
  const created = await json<{ plaintext_key: string }>(args, { DATA_DIR: stack.dataDir });
  key = created.plaintext_key;
  user = (await json<{ short_id: string }>(['users', 'create', '--name', 'Ada'])).short_id;
});

afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await rm(empty, { recursive: true });
});

describe('keys', () => {
  it('are made on the local stack without a key, and work', async () => {
    expect(key).toMatch(/^bb_[0-9A-Za-z]{43}$/);
    const { api_keys } = await json<{ api_keys: { key_prefix: string }[] }>(['keys', 'list']);
    expect(api_keys).toContainEqual(
      expect.objectContaining({ key_prefix: key.slice(0, 11), name: 'command line', scope: 'full_access' }),
    );
  });

  it('are made without a run file by whoever the bus lets in as the command line', async () => {
    const { nats, url } = stack.run();
    const { user, password } = nats.users['cli']!;
    const env = {
      NATS_URL: nats.url,
      NATS_USER: user,
      NATS_PASSWORD: password,
      PUBLIC_BASE_URL: 'https://latchkey.example',
    };
    const inContainer = { ...env, DATA_DIR: empty, LATCHKEY_URL: url };
    const args = ['keys', 'create', '--name', 'from a container', '--scope', 'read_only'];
    const { plaintext_key } = await json<{ plaintext_key: string }>(args, inContainer);
    expect(await latchkey(['users', 'list', '--key', plaintext_key], inContainer)).toMatchObject({ code: 0 });
    const wrong = { ...inContainer, NATS_PASSWORD: 'guessed' };
    expect(await latchkey(args, wrong)).toMatchObject({ code: 1, err: expect.stringMatching(/^UNREACHABLE: /) });
  });

  it('are made remotely with a key, and revoked', async () => {
    const env = { DATA_DIR: empty, LATCHKEY_URL: stack.url, LATCHKEY_API_KEY: key };
    const made = await json<{ short_id: string; plaintext_key: string; scope: string }>(
      ['keys', 'create', '--name', 'reader'],
      env,
    );
    expect(made.scope).toBe('read_only');
    const asReader = ['users', 'list', '--key', made.plaintext_key];
    expect(await latchkey(asReader)).toMatchObject({ code: 0 });
    const revoked = await json(['keys', 'revoke', made.short_id], env);
    expect(revoked).toEqual({ id: made.short_id, status: 'revoked' });
    expect(await latchkey(asReader)).toMatchObject({ code: 1, err: expect.stringMatching(/^REVOKED_API_KEY: /) });
  });

  it('are refused with the rules of the API, on both ways', async () => {
    for (const env of [undefined, { DATA_DIR: stack.dataDir }]) {
      const { code, err } = await latchkey(['keys', 'create', '--name', ' '], env);
      expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^VALIDATION_ERROR: name is required\n$/) });
      const wrong = await latchkey(['keys', 'create', '--name', 'x', '--scope', 'root'], env);
      expect(wrong).toMatchObject({ code: 1, err: expect.stringMatching(/^VALIDATION_ERROR: scope must be /) });
      const nowhere = await latchkey(['keys', 'create', '--name', 'x', '--env', 'tset'], env);
      expect(nowhere).toEqual({ code: 1, out: '', err: 'VALIDATION_ERROR: env must be "live" or "test"\n' });
    }
  });
});

describe('projects', () => {
  interface Created {
    project_id: string;
    environment: string;
    scopes: string[];
    plaintext_key: string;
  }
  const slug = `shop-${randomUUID()}`.slice(0, 20);
  const onThisMachine = { DATA_DIR: stack.dataDir };
  const whoIs = async (bearer: string) => {
    const reply = await fetch(`${stack.url}/v1/whoami`, { headers: { authorization: `Bearer ${bearer}` } });
    return (await reply.json()) as { project: { id: string; name: string }; key: { environment: string } };
  };

  it('are made on the local stack without a key, and get keys of each kind', async () => {
    const project = await json<{ id: string }>(['projects', 'create', '--name', 'Shop', '--slug', slug], onThisMachine);
    expect(project).toMatchObject({ id: expect.stringMatching(/^prj_/), name: 'Shop', slug, is_default: false });
    const create = ['keys', 'create', '--name', 'k', '--scope', 'full_access', '--project'];
    const household = await json<Created>([...create, slug], onThisMachine);
    expect(household.plaintext_key).toMatch(/^bb_/);
    expect(await whoIs(household.plaintext_key)).toMatchObject({
      project: { id: project.id, name: 'Shop' },
      key: { environment: 'live' },
    });
    const test = await json<Created>([...create, project.id, '--env', 'test'], onThisMachine);
    expect(test).toMatchObject({ project_id: project.id, environment: 'test' });
    expect(test.plaintext_key).toMatch(/^csk_test_/);
    expect((await whoIs(test.plaintext_key)).key.environment).toBe('test');
    const live = await json<Created>(['keys', 'create', '--name', 'k', '--platform'], onThisMachine);
    expect(live.plaintext_key).toMatch(/^csk_live_/);
    expect(live.scopes).toEqual(['connections:read', 'servers:read', 'sessions:read']);
  });

  it('are made, listed and given platform keys remotely with a key', async () => {
    const env = { DATA_DIR: empty, LATCHKEY_URL: stack.url, LATCHKEY_API_KEY: key };
    const { id } = await json<{ id: string }>(['projects', 'create', '--name', 'Remote'], env);
    const { projects } = await json<{ projects: object[] }>(['projects', 'list'], env);
    expect(projects).toContainEqual(expect.objectContaining({ id, name: 'Remote' }));
    const made = await json<Created>(['keys', 'create', '--name', 'k', '--platform', '--project', id], env);
    expect(made).toMatchObject({ project_id: id, environment: 'live' });
  });

  it('that nobody knows, and slugs that are taken, are refused', async () => {
    const unknown = await latchkey(['keys', 'create', '--name', 'k', '--project', 'no-such-project'], onThisMachine);
    expect(unknown).toEqual({ code: 1, out: '', err: 'NOT_FOUND: Project not found\n' });
    const taken = await latchkey(['projects', 'create', '--name', 'x', '--slug', 'default'], onThisMachine);
    expect(taken).toEqual({ code: 1, out: '', err: 'SLUG_CONFLICT: Another project has this slug.\n' });
    const elsewhere = await latchkey(['keys', 'create', '--name', 'k', '--project', slug]);
    expect(elsewhere).toMatchObject({ code: 2, err: expect.stringContaining('--platform makes one elsewhere') });
    expect(elsewhere.err).toContain('unset LATCHKEY_API_KEY');
    const far = { DATA_DIR: empty, LATCHKEY_URL: stack.url, LATCHKEY_API_KEY: key };
    const remotely = await latchkey(['keys', 'create', '--name', 'k', '--project', slug], far);
    expect(remotely).toMatchObject({ code: 2, err: expect.not.stringContaining('unset') });
  });

  it.each(['x', '0', '201'])('are listed on the local stack with a limit that is one, not %j', async (limit) => {
    const refused = await latchkey(['projects', 'list', '--limit', limit], onThisMachine);
    expect(refused).toEqual({ code: 1, out: '', err: 'VALIDATION_ERROR: limit must be between 1 and 200\n' });
    const { projects } = await json<{ projects: object[] }>(['projects', 'list', '--limit', '1'], onThisMachine);
    expect(projects).toHaveLength(1);
  });
});

describe('a link', () => {
  it('is made, shown, listed and cancelled', async () => {
    const made = await json<{ url: string; short_id: string }>(['link', '--user', user, '--label', 'kitchen']);
    expect(made.url).toContain('/link/');
    const shown = await json<object>(['sessions', 'show', made.short_id]);
    expect(shown).toMatchObject({ status: 'pending', label: 'kitchen' });
    expect(shown).not.toHaveProperty('url');
    const cancelled = await json(['sessions', 'cancel', made.short_id]);
    expect(cancelled).toEqual({ id: made.short_id, status: 'failed', error_code: 'CANCELLED' });
    const { sessions } = await json<{ sessions: object[] }>(['sessions', 'list', '--user', user]);
    expect(sessions).toContainEqual(expect.objectContaining({ short_id: made.short_id, error_code: 'CANCELLED' }));
  });

  it('is shown as it was, and so are users and keys', async () => {
    const made = await json<{ short_id: string; created_at: string }>(['link', '--user', user]);
    expect(await latchkey(['sessions', 'cancel', made.short_id])).toMatchObject({ code: 0 });
    expect(await json(['sessions', 'show', made.short_id])).toMatchObject({ status: 'failed' });
    const { entries } = await json<{ entries: { type: string; position: string }[] }>([
      'audit',
      '--subject',
      made.short_id,
    ]);
    const minted = entries.find(({ type }) => type === 'SessionMinted')!;
    for (const moment of [made.created_at, minted.position]) {
      const shown = await json(['sessions', 'show', made.short_id, '--as-of', moment]);
      expect(shown).toMatchObject({ short_id: made.short_id, status: 'pending' });
    }
    expect(await json(['users', 'show', user, '--as-of', minted.position])).toMatchObject({ name: 'Ada' });
    const before = ['keys', 'show', (await json<{ short_id: string }>(['keys', 'create', '--name', 'later'])).short_id];
    expect(await json(before)).toMatchObject({ name: 'later' });
    expect(await latchkey([...before, '--as-of', minted.position])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^NOT_FOUND: /),
    });
    expect(await latchkey(['users', 'show', user, '--as-of', 'once'])).toMatchObject({ code: 1 });
  });

  it('is waited for, and its failure is a failure', async () => {
    const waiting = start(['link', '--user', user, '--wait']);
    const made = JSON.parse(await waiting.line()) as { short_id: string };
    expect(await latchkey(['sessions', 'cancel', made.short_id])).toMatchObject({ code: 0 });
    expect(JSON.parse(await waiting.line())).toMatchObject({ short_id: made.short_id, status: 'failed' });
    expect(await waiting.code()).toBe(1);
  });

  it('of nobody is refused in the words of the API', async () => {
    const { code, err } = await latchkey(['link', '--user', 'nobody00']);
    expect({ code, err }).toEqual({ code: 1, err: 'NOT_FOUND: User not found\n' });
  });
});

describe('lists', () => {
  it('show users and connections', async () => {
    expect(await json(['users', 'list'])).toMatchObject({
      users: expect.arrayContaining([expect.objectContaining({ short_id: user })]),
    });
    expect(await json(['connections', 'list', '--user', user])).toMatchObject({ connections: [], next_cursor: null });
    expect(await latchkey(['connections', 'show', 'nosuchid'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('NOT_FOUND'),
    });
  });

  it('of what happened can be followed', async () => {
    const following = start(['audit', '--subject', user, '--follow']);
    expect(JSON.parse(await following.line())).toMatchObject({ type: 'UserCreated', subject: { short_id: user } });
    const everything = await json<{ entries: { summary: string }[] }>([
      'audit',
      '--type',
      'UserCreated',
      '--limit',
      '1',
    ]);
    expect(everything.entries).toHaveLength(1);
  });

  it('of everything new go on while they are followed', async () => {
    const following = start(['audit', '--type', 'KeyCreated', '--limit', '1', '--follow']);
    await following.line();
    const { id } = await json<{ id: string }>(['keys', 'create', '--name', 'while followed']);
    expect(JSON.parse(await following.line())).toMatchObject({ subject: { kind: 'api_key', id } });
  });
});

describe('the command line', () => {
  it('finds nothing wrong with a stack that is well', async () => {
    const { checks } = await json<{ checks: { check: string; ok: boolean }[] }>(['doctor']);
    expect(checks.map(({ check }) => check)).toEqual(expect.arrayContaining(['gateway', 'key', 'audit', 'API key']));
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('finds a platform key good at its own door', async () => {
    const env = { DATA_DIR: stack.dataDir };
    const made = await json<{ full_key: string }>(
      ['keys', 'create', '--name', 'p', '--platform', '--env', 'test'],
      env,
    );
    const { checks } = await json<{ checks: object[] }>(['doctor'], { ...env, LATCHKEY_API_KEY: made.full_key });
    const detail = expect.stringMatching(/^for \/v1, .+ \(test\), /);
    expect(checks).toContainEqual({ check: 'API key', ok: true, detail });
  });

  it('says what is wrong when nothing is there', async () => {
    const env = { DATA_DIR: empty, LATCHKEY_URL: 'http://127.0.0.1:9', LATCHKEY_API_KEY: key };
    expect(await latchkey(['users', 'list'], env)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^UNREACHABLE: /),
    });
    const { code, out } = await latchkey(['doctor'], env);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      checks: expect.arrayContaining([{ check: 'gateway', ok: false, detail: expect.any(String) }]),
    });
  });

  it('says with each command in the same words why nothing answers', async () => {
    const env = { DATA_DIR: empty, LATCHKEY_URL: 'http://127.0.0.1:65535', LATCHKEY_API_KEY: key };
    const message = 'UNREACHABLE: Latchkey does not answer at http://127.0.0.1:65535 (ECONNREFUSED).\n';
    for (const args of [
      ['users', 'list'],
      ['audit', '--follow'],
      ['audit', 'export'],
    ]) {
      expect(await latchkey(args, env)).toEqual({ code: 1, out: '', err: message });
    }
  });

  it('refuses what is no address', async () => {
    for (const url of ['nowhere', 'localhost:8080', 'http://']) {
      const refused = await latchkey(['users', 'list', '--url', url]);
      expect(refused).toMatchObject({ code: 2, err: expect.stringMatching(/^--url, or LATCHKEY_URL, must be /) });
    }
  });

  it('reads .env, and the environment wins over it', async () => {
    const here = await mkdtemp(join(empty, 'with-env-'));
    await writeFile(join(here, '.env'), 'LATCHKEY_URL=http://127.0.0.1:9\nLATCHKEY_API_KEY=bb_from_the_file\n');
    const env = { NODE_ENV: 'development', DATA_DIR: empty };
    expect((await latchkey(['users', 'list'], env, here)).err).toContain('at http://127.0.0.1:9 ');
    const wins = { ...env, LATCHKEY_URL: stack.url, LATCHKEY_API_KEY: key };
    expect(await latchkey(['users', 'list'], wins, here)).toMatchObject({ code: 0 });
  });

  it('ends with 2 and the help when it makes no sense', async () => {
    expect(await latchkey(['keys', 'create'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Usage: latchkey keys create'),
    });
    expect(await latchkey(['nonsense'])).toMatchObject({ code: 2, err: expect.stringContaining('Unknown command') });
    const noKey = await latchkey(['users', 'list'], { DATA_DIR: stack.dataDir });
    expect(noKey).toMatchObject({ code: 2, err: expect.stringContaining('An API key is needed') });
  });

  it('explains itself', async () => {
    expect(await latchkey(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('keys create') });
    expect(await latchkey(['link', '--help'])).toMatchObject({ code: 0, out: expect.stringContaining('--wait') });
  });
});

/** A command that goes on for a while, read line by line. */
function start(args: string[]) {
  const env = { PATH: process.env.PATH, NODE_ENV: 'test', DATA_DIR: stack.dataDir, LATCHKEY_API_KEY: key };
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, 'exit');
  return {
    async line(): Promise<string> {
      while (!text.includes('\n')) await Promise.race([once(child.stdout, 'data'), exited]);
      const [line = ''] = text.split('\n');
      text = text.slice(line.length + 1);
      return line;
    },
    async code(): Promise<number | null> {
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}
