import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { SettingsError } from '#service/settings-error.js';
import { registeredClients } from './clients.js';

it('registered clients that cannot be read are said to be of the variable that they are from, and not quoted', () => {
  const dir = mkdtempSync(join(tmpdir(), 'clients-'));
  try {
    const OAUTH_CLIENTS_FILE = join(dir, 'clients.json');
    writeFileSync(OAUTH_CLIENTS_FILE, '{"shopify":"canary"}');
    const ofFile = () => registeredClients({ OAUTH_CLIENTS_FILE });
    expect(ofFile).toThrow(SettingsError);
    expect(ofFile).toThrow(/^OAUTH_CLIENTS_FILE must hold JSON(?!.*canary)/);
    const itself = () => registeredClients({ OAUTH_CLIENTS: '{"shopify":"canary"}', OAUTH_CLIENTS_FILE });
    expect(itself).toThrow(/^OAUTH_CLIENTS must hold JSON(?!.*canary)/);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
