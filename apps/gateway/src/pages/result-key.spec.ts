import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openResultKey } from './result-key.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'result-key-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const pem = (key: ReturnType<typeof openResultKey>) => key.export({ type: 'pkcs8', format: 'pem' });

describe('the key that signs results', () => {
  it('is made once in the data folder, for its owner’s eyes only', () => {
    const first = openResultKey({ NODE_ENV: 'production', DATA_DIR: dir });
    expect(first.asymmetricKeyType).toBe('ed25519');
    expect(statSync(join(dir, 'secrets', 'result-signing.pem')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(dir, 'secrets'))).toEqual(['result-signing.pem']);
    expect(pem(openResultKey({ NODE_ENV: 'production', DATA_DIR: dir }))).toBe(pem(first));
  });

  it('is the one given', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const file = join(dir, 'mine.pem');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const opened = openResultKey({ NODE_ENV: 'production', RESULT_SIGNING_KEY_FILE: file, DATA_DIR: dir });
    expect(pem(opened)).toBe(pem(privateKey));
    expect(readdirSync(dir)).toEqual(['mine.pem']);
  });

  it('must be of the right kind, and must be there in production', () => {
    const { privateKey } = generateKeyPairSync('x25519');
    const file = join(dir, 'wrong.pem');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect(() => openResultKey({ NODE_ENV: 'test', RESULT_SIGNING_KEY_FILE: file })).toThrow(/RESULT_SIGNING_KEY_FILE/);
    expect(() => openResultKey({ NODE_ENV: 'production' })).toThrow(/RESULT_SIGNING_KEY_FILE/);
  });
});
