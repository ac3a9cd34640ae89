import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSecrets } from './secrets.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-secrets-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const holdDatabase = () => {
  mkdirSync(join(dir, 'postgres'));
  writeFileSync(join(dir, 'postgres', 'PG_VERSION'), '18');
};

describe('a secret', () => {
  it('is made once and stays', () => {
    const made = openSecrets(dir).read('vault.key');
    holdDatabase();
    expect(openSecrets(dir).read('vault.key')).toBe(made);
  });

  it.each([
    ['vault.key', 'set VAULT_KEK'],
    ['postgres-admin', 'Put the file back'],
  ])('that opens what is stored is not made anew: %s', (name, advice) => {
    holdDatabase();
    const secrets = openSecrets(dir);
    expect(() => secrets.read(name)).toThrow(`${join(dir, 'secrets', name)} is missing, but ${dir} holds a database`);
    expect(() => secrets.read(name)).toThrow(advice);
    expect(existsSync(join(dir, 'secrets', name))).toBe(false);
    expect(secrets.read('nats-key')).toHaveLength(48);
  });
});
