import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { services } from '#contracts/services.js';
import { nodePart, type Wiring } from './parts.js';
import { openSecrets } from './secrets.js';
import { partNames, readSettings } from './settings.js';
import { wire } from './wiring.js';

const programs = partNames.filter((name) => name !== 'postgres' && name !== 'nats');
/** Each setting that is a secret, and the one part of ours that needs it as it is; null for those that none does. */
const secrets: Record<string, string | null> = {
  VAULT_KEK: 'connection',
  PLAID_SECRET: 'connection',
  TELLER_SIGNING_SECRET: 'connection',
  OAUTH_CLIENTS: 'connection',
  SETUP_CODE: 'key',
  AUDIT_SIGNING_KEY: 'audit',
  LATCHKEY_API_KEY: null,
  EVENTSTORE_PASSWORD: null,
  EVENTSTORE_ADMIN_PASSWORD: null,
  POSTGRES_PASSWORD: null,
};
const given = Object.fromEntries(Object.keys(secrets).map((name) => [name, `the value of ${name}`]));
const env = { ...given, PLAID_CLIENT_ID: 'client', TELLER_APPLICATION_ID: 'application', LOG_LEVEL: 'warn' };

let dir: string;
let wiring: Wiring;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-wiring-'));
  wiring = await wire(readSettings({ ...env, DATA_DIR: dir }), env, openSecrets(dir));
});
afterAll(() => rmSync(dir, { recursive: true }));

it.each(Object.entries(secrets))('%s reaches nobody but %s', (secret, part) => {
  const holders = programs.filter((name) => Object.values(nodePart(name, wiring).env).includes(given[secret]));
  expect(holders).toEqual(part === null ? [] : [part]);
  // The servers that are no programs of ours get this much.
  expect(Object.values(wiring.inherited)).not.toContain(given[secret]);
});

it('the password of the embedded event store reaches the store, and the services that use it', () => {
  const holders = programs.filter((name) =>
    Object.values(nodePart(name, wiring).env).some((value) => value?.includes(wiring.eventstorePassword)),
  );
  expect(holders).toEqual(['eventstore', ...services]);
});

it('what concerns everybody reaches everybody', () => {
  expect(programs.map((name) => nodePart(name, wiring).env['LOG_LEVEL'])).toEqual(programs.map(() => 'warn'));
});
