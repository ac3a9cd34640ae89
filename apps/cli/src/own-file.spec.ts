import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { parse } from './arguments.js';
import { Cli } from './cli.js';
import { commands } from './commands.js';
import { envFile } from './env-file.js';

const before = process.cwd();
const said = () => jest.mocked(console.error).mock.calls.map(([line]) => String(line));
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-own-'));
  process.chdir(dir);
  mkdirSync('.data');
  jest.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  jest.restoreAllMocks();
  process.chdir(before);
  rmSync(dir, { recursive: true });
});

/** A file of this folder, as somebody with this mode has left it there. */
function leave(path: string, text: string, mode: number, isForeign = false) {
  writeFileSync(path, text);
  chmodSync(path, mode);
  if (!isForeign) return;
  // Files of root are trusted: tests that run as root give theirs away.
  if (process.getuid!() === 0) chownSync(path, 4_321, 4_321);
  jest.spyOn(process, 'getuid').mockReturnValue(54_321);
}

const doctor = (env: NodeJS.ProcessEnv, ...words: string[]) =>
  new Cli(parse(['doctor', ...words], commands), env, envFile(env));
const there = 'http://there.example';
const fromEnv = { LATCHKEY_API_KEY: 'bb_of_the_environment' };

describe('a run file', () => {
  const run = JSON.stringify({ url: there });

  it('leads to the stack of its owner', () => {
    leave('.data/run.json', run, 0o600);
    expect(doctor(fromEnv)).toMatchObject({ url: there, local: { url: there, file: '.data/run.json' } });
    expect(said()).toEqual([]);
  });

  it.each([
    ['of another user', 0o600, true, 'it belongs to another user'],
    ['that another may write', 0o602, false, 'others may get at it (chmod 600, if what it says is yours)'],
    ['as a checkout makes it', 0o644, false, 'others may get at it (chmod 600, if what it says is yours)'],
  ])('%s leads nowhere, and that is said', (_, mode, isForeign, why) => {
    leave('.data/run.json', run, mode, isForeign);
    expect(doctor(fromEnv)).toMatchObject({ url: 'http://localhost:8080', local: null });
    expect(said()).toEqual([`.data/run.json is passed over: ${why}.`]);
  });
});

describe('.env', () => {
  const both = `LATCHKEY_URL=${there}\nLATCHKEY_API_KEY=bb_of_the_file\n`;

  it('says what the environment leaves open', () => {
    leave('.env', both, 0o664);
    expect(doctor({})).toMatchObject({ url: there, key: 'bb_of_the_file' });
    expect(doctor({ ...fromEnv, LATCHKEY_URL: 'http://here.example' })).toMatchObject({
      url: 'http://here.example',
      key: 'bb_of_the_environment',
    });
    expect(said()).toEqual([]);
  });

  it('says nothing to Node', () => {
    leave('.env', 'LATCHKEY_SAYS=x\n', 0o600);
    expect(doctor({}).env).toMatchObject({ LATCHKEY_SAYS: 'x' });
    expect(process.env.LATCHKEY_SAYS).toBeUndefined();
  });

  it.each([
    ['of another user', 0o644, true, 'it belongs to another user'],
    ['that all may write', 0o646, false, 'others may get at it (chmod 600, if what it says is yours)'],
  ])('%s is passed over, and that is said', (_, mode, isForeign, why) => {
    leave('.env', both, mode, isForeign);
    expect(doctor({})).toMatchObject({ url: 'http://localhost:8080', key: undefined });
    expect(said()).toEqual([`.env is passed over: ${why}.`]);
  });

  const operator = 'NATS_URL=nats://x\nNATS_USER=cli\nNATS_PASSWORD=x\n';
  it.each([
    ['the address', `LATCHKEY_URL=${there}`],
    ['the address, with a key that the environment puts aside', both],
    ['the stack', `${operator}PUBLIC_BASE_URL=${there}`],
  ])('that names %s gets no key from elsewhere', (_, text) => {
    leave('.env', text, 0o600);
    const refusal = `The address ${there} is from .env, and the key is not`;
    expect(() => doctor(fromEnv)).toThrow(refusal);
    expect(() => doctor({}, '--key', 'bb_given')).toThrow(refusal);
    expect(doctor(fromEnv, '--url', 'http://here.example').url).toBe('http://here.example');
  });

  it('shares no stack with the environment', () => {
    leave('.env', `NATS_URL=nats://x\nPUBLIC_BASE_URL=${there}\n`, 0o600);
    expect(doctor({ NATS_USER: 'cli', NATS_PASSWORD: 'x' }).local).toBeNull();
  });
});
