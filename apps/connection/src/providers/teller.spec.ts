import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SettingsError } from '#service/settings-error.js';
import { type TellerConfig, tellerProvider } from './teller.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'teller-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('Teller’s client certificate', () => {
  const withFiles = (more: Partial<TellerConfig> = {}) =>
    tellerProvider({ baseUrl: 'https://api.teller.io', ...more } as TellerConfig);

  it('may be left out, as in Teller’s sandbox', () => {
    expect(() => withFiles()).not.toThrow();
  });

  it('stops the start by name where its files are not there, or hold none', () => {
    const [certFile, keyFile] = ['cert.pem', 'key.pem'].map((name) => join(dir, name));
    const start = () => withFiles({ certFile: certFile!, keyFile: keyFile! });
    expect(start).toThrow(/^TELLER_CERT_FILE: ENOENT/);
    writeFileSync(certFile!, 'no PEM');
    expect(start).toThrow(/^TELLER_KEY_FILE: ENOENT/);
    writeFileSync(keyFile!, 'canary');
    expect(start).toThrow(SettingsError);
    expect(start).toThrow(/^TELLER_CERT_FILE and TELLER_KEY_FILE: (?!.*canary)/);
  });
});
