import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SettingsError } from './settings-error.js';
import { openSigningKeys } from './signing-key.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'signing-key-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const base64 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'der' }).toString('base64');
const idsOf = (keys: KeyObject[]) => keys.map((key) => createPublicKey(key).export({ format: 'jwk' }).x);
const [a, b, c, d] = Array.from({ length: 4 }, () => generateKeyPairSync('ed25519').privateKey);
const open = (text: string | undefined, file?: string) =>
  openSigningKeys({ variable: 'K', name: 'k', NODE_ENV: 'production', text, file, dataDir: dir });

describe('the keys that sign', () => {
  it('are those of the variable, the first of which signs, and behind them those of the file', () => {
    const file = join(dir, 'older.pem');
    writeFileSync(file, pem(c!) + pem(d!));
    expect(idsOf(open(`${base64(a!)},${base64(b!)}`))).toEqual(idsOf([a!, b!]));
    expect(idsOf(open(`${base64(a!)}\n${base64(b!)}\n`, file))).toEqual(idsOf([a!, b!, c!, d!]));
    expect(idsOf(open(undefined, file))).toEqual(idsOf([c!, d!]));
    expect(idsOf(open(`${base64(c!)},${base64(a!)},${base64(c!)}`, file))).toEqual(idsOf([c!, a!, d!]));
    expect(readdirSync(dir)).toEqual(['older.pem']);
  });

  it('are refused when one of them is none', () => {
    expect(() => open(`${base64(a!)},nonsense`)).toThrow('K: must be');
    const file = join(dir, 'empty.pem');
    writeFileSync(file, '');
    expect(() => open(base64(a!), file)).toThrow('K_FILE: must hold');
    writeFileSync(file, pem(a!).replace(/\n\S+\n/, '\nnonsense\n'));
    expect(() => open(undefined, file)).toThrow(SettingsError);
    expect(() => open(undefined, join(dir, 'none.pem'))).toThrow(SettingsError);
  });
});
