import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { startStack, type Run, type Stack } from '#testing/stack.js';
import { processBirth } from '../apps/supervisor/src/process-birth.js';
import { claimRunFile } from '../apps/supervisor/src/run-file.js';

const main = join(__dirname, '../dist/apps/supervisor/src/main.js');

interface Started {
  child: ChildProcess;
  exit: Promise<number | null>;
  output(): string;
  ready(): Promise<void>;
}
const started: Started[] = [];

/** Runs `node main.js` as a person would, except that it ends with this process. */
function start(env: Record<string, string>): Started {
  const all = { ...process.env, SUPERVISED: '1', PORT: '0', ...env };
  const child = spawn(process.execPath, [main], { env: all, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const running = { child, exit, output: () => output, ready: () => until(() => / s {2}ready$/m.test(output), 45_000) };
  started.push(running);
  return running;
}

async function until(condition: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await condition()); await sleep(25)) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${condition.toString()}`);
  }
}

/** A process that has ended but that nobody has waited for yet is not alive. */
function alive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return /^[^Z]/.test(stdout.trim());
}

const reset = (DATA_DIR: string) =>
  spawnSync(process.execPath, [join(__dirname, '../dist/apps/supervisor/src/reset.js')], {
    env: { ...process.env, DATA_DIR },
    encoding: 'utf8',
  });

const readRun = (dataDir: string) => JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')) as Run;
const pidsOf = (run: Run) => Object.values(run.parts).map(({ pid }) => pid);

async function query(url: string, sql: string) {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('a running stack', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ parts: ['postgres', 'nats'], servers: 'local' });
  });
  afterAll(() => stack.stop());

  it('gives each service a schema of its own and nothing else', async () => {
    const { key, audit } = stack.run().databases;
    await query(key!, 'CREATE TABLE things (id int)');
    expect(
      await query(key!, 'SELECT table_schema FROM information_schema.tables WHERE table_name = $$things$$'),
    ).toEqual([{ table_schema: 'key' }]);
    await expect(query(audit!, 'SELECT * FROM key.things')).rejects.toThrow('permission denied for schema key');
    await expect(query(audit!, 'CREATE TABLE public.things (id int)')).rejects.toThrow('permission denied');
    await expect(query(audit!, 'CREATE SCHEMA other')).rejects.toThrow('permission denied');
  });

  it('runs the database durably: fsync and checksums on', async () => {
    const rows = await query(
      stack.run().databases['key']!,
      'SELECT current_setting($$fsync$$) AS fsync, current_setting($$data_checksums$$) AS checksums',
    );
    expect(rows).toEqual([{ fsync: 'on', checksums: 'on' }]);
  });

  it('keeps its secrets to its owner', () => {
    expect(statSync(join(stack.dataDir, 'run.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(stack.dataDir, 'secrets')).mode & 0o777).toBe(0o700);
    expect(statSync(join(stack.dataDir, 'secrets/vault.key')).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(join(stack.dataDir, 'secrets/vault.key'), 'utf8'), 'base64')).toHaveLength(32);
  });

  it.each(['nats', 'postgres'])('starts %s again on the same port after a kill -9', async (part) => {
    const before = stack.run().parts[part]!;
    stack.kill(part);
    await until(() => stack.run().parts[part]!.pid !== before.pid, 5000);
    expect(stack.run().parts[part]!.port).toBe(before.port);
    const answers = () =>
      query(stack.run().databases['key']!, 'SELECT 1').then(
        () => true,
        () => false,
      );
    await until(answers, 12_000);
  });

  it('refuses a second start on the same data', async () => {
    const second = start({ DATA_DIR: stack.dataDir, LATCHKEY_PARTS: 'nats' });
    expect(await second.exit).toBe(1);
    expect(second.output()).toContain(`is in use: Latchkey already runs there at ${stack.url}`);
    expect(pidsOf(stack.run()).every(alive)).toBe(true);
  });

  it('is not taken away by a reset', () => {
    expect(reset(stack.dataDir)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`(process ${stack.run().pid})`),
    });
    expect(existsSync(join(stack.dataDir, 'postgres'))).toBe(true);
  });
});

describe('start and stop', () => {
  let dataDir = '';
  const fresh = () => (dataDir = mkdtempSync(join(tmpdir(), 'latchkey-test-')));
  afterEach(async () => {
    for (const { child, exit } of started.splice(0)) {
      child.kill('SIGTERM');
      await exit;
    }
    rmSync(dataDir, { recursive: true, force: true });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('leaves nothing running after %s', async (signal) => {
    const stack = start({ DATA_DIR: fresh(), LATCHKEY_PARTS: 'postgres,nats' });
    await stack.ready();
    const pids = pidsOf(readRun(dataDir));
    stack.child.kill(signal);
    expect(await stack.exit).toBe(0);
    expect(pids.filter(alive)).toEqual([]);
    expect(existsSync(join(dataDir, 'run.json'))).toBe(false);
  });

  it('keeps data and secrets over a kill -9 of the supervisor, and ends what that left behind', async () => {
    const first = start({ DATA_DIR: fresh(), LATCHKEY_PARTS: 'postgres,nats' });
    await first.ready();
    const before = readRun(dataDir);
    await query(before.databases['key']!, 'CREATE TABLE kept AS SELECT 42 AS answer');
    first.child.kill('SIGKILL');
    await first.exit;
    expect(pidsOf(before).filter(alive)).not.toEqual([]);

    const second = start({ DATA_DIR: dataDir, LATCHKEY_PARTS: 'postgres,nats' });
    await second.ready();
    const after = readRun(dataDir);
    expect(pidsOf(before).filter(alive)).toEqual([]);
    expect(after.nats.users).toEqual(before.nats.users);
    expect(await query(after.databases['key']!, 'SELECT * FROM kept')).toEqual([{ answer: 42 }]);
  });

  it('ends a database that a killed start had no time to note', async () => {
    const first = start({ DATA_DIR: fresh(), LATCHKEY_PARTS: 'postgres' });
    await first.ready();
    const before = readRun(dataDir);
    first.child.kill('SIGKILL');
    await first.exit;
    writeFileSync(join(dataDir, 'run.json'), JSON.stringify({ ...before, parts: {} }));
    const second = start({ DATA_DIR: dataDir, LATCHKEY_PARTS: 'postgres' });
    await second.ready();
    expect(pidsOf(before).filter(alive)).toEqual([]);
  });

  it('leaves nothing behind after a reset, also when the supervisor was killed', async () => {
    const stack = start({ DATA_DIR: fresh(), LATCHKEY_PARTS: 'postgres,nats' });
    await stack.ready();
    const pids = pidsOf(readRun(dataDir));
    stack.child.kill('SIGKILL');
    await stack.exit;
    expect(reset(dataDir)).toMatchObject({ status: 0, stderr: '' });
    expect(pids.filter(alive)).toEqual([]);
    expect(existsSync(dataDir)).toBe(false);
  });

  it.each(['start', 'reset'])('npm run %s leaves the code of what runs as it is', (script) => {
    const running = { pid: process.pid, birth: processBirth(process.pid), url: 'http://here', parts: {} };
    writeFileSync(join(fresh(), 'run.json'), JSON.stringify(running));
    const without = join(dirname(main), 'code-without-a-source.js');
    writeFileSync(without, '');
    const env = { ...process.env, DATA_DIR: dataDir };
    const { status, stderr } = spawnSync('npm', ['run', script], { cwd: join(__dirname, '..'), env, encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, expect.stringContaining('already runs there at http://here')]);
    expect(existsSync(without)).toBe(true);
    rmSync(without);
  });

  it('is built anew over a build that was broken off', () => {
    const script = join(fresh(), 'scripts/refuse-running.mjs');
    const runFile = join(dataDir, 'dist/apps/supervisor/src/run-file.js');
    cpSync(join(__dirname, '../scripts/refuse-running.mjs'), script);
    mkdirSync(dirname(runFile), { recursive: true });
    writeFileSync(runFile, "require('./not-there-yet.js');");
    const { status, stderr } = spawnSync(process.execPath, [script], { cwd: dataDir, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });

  it('gives the folder that a killed one left behind to one of two starts', async () => {
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1_000)']);
    const part = { pid: orphan.pid!, birth: processBirth(orphan.pid!) };
    const left = { pid: orphan.pid!, birth: 'long ago', url: 'http://gone', parts: { nats: part } };
    writeFileSync(join(fresh(), 'run.json'), JSON.stringify(left));
    const claims = ['http://one', 'http://two'].map((url) => claimRunFile(dataDir, url));
    const ended = await Promise.allSettled(claims);
    expect(alive(part.pid)).toBe(false);
    const [won, ...others] = ended.flatMap((end) => (end.status === 'fulfilled' ? end.value.run.url : []));
    expect(others).toEqual([]);
    expect(readRun(dataDir).url).toBe(won);
    expect(readdirSync(dataDir)).toEqual(['run.json']);
  });

  it('starts on the one address that HOST names', async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address));
    const [host, inUrl] = addresses.includes('::1') ? ['::1', '[::1]'] : ['127.0.0.2', '127.0.0.2'];
    await start({ DATA_DIR: fresh(), HOST: host }).ready();
    const { url } = readRun(dataDir);
    expect(url).toContain(`http://${inUrl}:`);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  });

  it('says with the end of its log why its own database cannot be reached', async () => {
    const first = start({ DATA_DIR: fresh(), LATCHKEY_PARTS: 'postgres' });
    await first.ready();
    first.child.kill('SIGTERM');
    await first.exit;
    writeFileSync(join(dataDir, 'secrets/postgres-admin'), 'another', { mode: 0o600 });
    const second = start({ DATA_DIR: dataDir, LATCHKEY_PARTS: 'postgres' });
    expect(await second.exit).toBe(1);
    const failed = 'password authentication failed for user "postgres"';
    expect(second.output()).toMatch(
      new RegExp(
        `Cannot connect to Postgres .*: ${failed}. The end of ${dataDir}/logs/postgres.log:\n[^]* FATAL: +${failed}`,
      ),
    );
    expect(second.output()).not.toContain('DATABASE_URL');
  });

  it('refuses words, which it would pass over', () => {
    const { status, stderr } = spawnSync(process.execPath, [main, '--port', '9000'], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^\nnpm start takes no words: .*\n$/)]);
  });

  it('says in a sentence that the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await until(() => other.listening);
    const { port } = other.address() as { port: number };
    const stack = start({ DATA_DIR: fresh(), PORT: String(port) });
    expect(await stack.exit).toBe(1);
    expect(stack.output().trim()).toBe(
      `Port ${port} is taken by another program. Choose another one: PORT=${port + 1} npm start`,
    );
    other.close();
  });

  it.each([
    [{ PORT: 'http' }, 'PORT: must be a number from 0 to 65535'],
    [{ NATS_URL: 'localhost' }, 'NATS_URL: must be a URL that starts with nats:// or tls://'],
    [{ DATABASE_URL: 'postgres:///x?host=/run/postgresql' }, 'DATABASE_URL: must name a host'],
    [{ DATABASE_URL: 'postgres://u:p@ss:/?#[]%@host:5432/x' }, 'DATABASE_URL: characters like @ : / ? # %'],
    [{ DATABASE_URL: 'postgres://u:12?x@host:5432/x' }, 'DATABASE_URL: characters like @ : / ? # %'],
    [{ DATABASE_URL: 'postgres://u:50%@host:5432/x' }, 'DATABASE_URL: characters like @ : / ? # %'],
    [{ EVENTSTORE_URL: 'http://es:2113' }, 'EVENTSTORE_URL: must start with esdb:// or esdb+discover://'],
    [
      { EVENTSTORE_URL: 'esdb://u:50%@es:2113' },
      'EVENTSTORE_URL: a % in its user and password must be percent-encoded',
    ],
    [
      { LATCHKEY_PARTS: 'nats', NATS_SERVER: 'embedded', BROKER_MAX_PENDING_BYTES: '64MiB' },
      'BROKER_MAX_PENDING_BYTES: ',
    ],
    [{ LATCHKEY_PARTS: 'postgres,redis' }, 'LATCHKEY_PARTS: must be a comma list of postgres, nats'],
    [{ PLAID_CLIENT_ID: 'x' }, 'PLAID_SECRET: must be set with PLAID_CLIENT_ID'],
    [{ TELLER_APPLICATION_ID: 'x' }, 'TELLER_SIGNING_SECRET: must be set with TELLER_APPLICATION_ID'],
    [{ TELLER_KEY_FILE: 'x' }, 'TELLER_CERT_FILE: must be set with TELLER_KEY_FILE'],
    [{ NODE_ENV: 'production' }, 'Unsafe in production:\nPLAID_CLIENT_ID, TELLER_APPLICATION_ID: '],
    [
      { NODE_ENV: 'production', PUBLIC_BASE_URL: 'http://bank.example' },
      '\nPUBLIC_BASE_URL: must be the https address',
    ],
    [{ LATCHKEY_PARTS: 'eventstore' }, 'LATCHKEY_PARTS: parts that store something need postgres'],
  ])('names the wrong variable in %j', async (env, message) => {
    const stack = start({ DATA_DIR: fresh(), ...(env as Record<string, string>) });
    expect(await stack.exit).toBe(1);
    expect(stack.output()).toContain(message);
    expect(stack.output()).not.toContain('    at ');
  });
});
