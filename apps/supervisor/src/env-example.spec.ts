import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { busAccounts, busPasswordVariable, natsServerConfig } from '#service/bus-accounts.js';
import { schemas } from './provision.js';

const root = join(__dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const sources = ['apps', 'libs']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.startsWith('libs/testing'));

/** Set by the supervisor for one part, never by a person. */
const internal = /^(BROKER_.*|SANDBOX.*|EVENTSTORE_(HOST|PORT|PASSWORD)|SUPERVISED|TELLER_WEBHOOK_URL)$/;

const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]!);
const named = new Set(found(read('.env.example'), /\b([A-Z][A-Z0-9_]+)=/g));

describe('.env.example', () => {
  it('names every variable the code reads', () => {
    const variables = sources.flatMap((file) => [
      ...found(read(file), /^\s+([A-Z][A-Z0-9_]+): (?:z\b|url\(|list\(|origin\b|scriptUrl\b)/gm),
      ...found(read(file), /\benv(?:\.|\[')([A-Z][A-Z0-9_]+)/g),
    ]);
    expect(variables.length).toBeGreaterThan(30);
    expect([...new Set(variables)].filter((name) => !named.has(name) && !internal.test(name))).toEqual([]);
  });

  it('names every variable that docker compose asks for', () => {
    const variables = found(read('docker-compose.yml'), /\$\{([A-Z0-9_]+)/g);
    expect(variables.filter((name) => !named.has(name))).toEqual([]);
  });

  it('means what it says also when somebody takes away the # before a setting', () => {
    const settings = parseEnv(read('.env.example').replace(/^# ([A-Z][A-Z0-9_]*=)/gm, '$1'));
    expect(settings).toMatchObject({ PORT: '8080', DATA_DIR: '.data', SETUP_CODE: '' });
    expect(Object.entries(settings).filter(([, value]) => /\s/.test(value!))).toEqual([]);
    // docker compose takes a comment behind no value for the value.
    expect(read('.env.example').match(/^# [A-Z0-9_]+=[ \t].*/gm)).toBeNull();
  });
});

describe('docker compose', () => {
  it('passes on every variable that .env.example does not mark as of something else', () => {
    const elsewhere = /\((npm start|npx latchkey) only\)|^One service on its own/;
    const settings = read('.env.example')
      .split(/^# --- /m)
      .filter((section) => !elsewhere.test(section.split('\n')[0]!))
      .flatMap((section) => found(section, /^(# [A-Z][A-Z0-9_]+=.*(?:\n# {30,}.*)*)$/gm))
      .filter((line) => !elsewhere.test(line))
      .map((line) => line.slice(2, line.indexOf('=')));
    expect(settings).toEqual(expect.arrayContaining(['CATALOG_FILE', 'ALLOWED_HOSTS', 'TELLER_SCRIPT_URL']));
    const passed = new Set(found(read('docker-compose.yml'), /\$\{([A-Z0-9_]+)/g));
    expect(settings.filter((name) => !passed.has(name))).toEqual([]);
  });

  const accounts = busAccounts((user) => `$${busPasswordVariable(user)}`);

  it('runs NATS with the permissions of the table; else: node deploy/make-nats-conf.mjs', () => {
    expect(read('deploy/nats.conf')).toBe(natsServerConfig('0.0.0.0:4222', accounts, '127.0.0.1:8222'));
  });

  it('is given every password by deploy/make-secrets.mjs', () => {
    const made = read('deploy/make-secrets.mjs');
    const needed = [
      ...accounts.map(({ user }) => busPasswordVariable(user).replace('NATS_PASSWORD_', '')),
      ...schemas.map((schema) => schema.toUpperCase()),
    ];
    expect(needed.filter((name) => !made.includes(`'${name}'`))).toEqual([]);
    const required = found(read('docker-compose.yml'), /\$\{([A-Z0-9_]+):\?run deploy/g);
    expect(required).toEqual(expect.arrayContaining(accounts.map(({ user }) => busPasswordVariable(user))));
    expect(required).toEqual(
      expect.arrayContaining(schemas.map((schema) => `POSTGRES_PASSWORD_${schema.toUpperCase()}`)),
    );
  });
});
