import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const compose = readFileSync(join(__dirname, '../../../docker-compose.yml'), 'utf8');
const script = /command:\n {6}- \|\n((?: {8}.*\n)+?) {4}volumes: \['certificates/.exec(compose)![1]!;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'latchkey-certificates-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Runs the step on a folder of its own; like the real tool, this one takes no folder that is there already. */
function makeCertificates() {
  const tool = `
    es-gencert-cli() {
      echo "$*"; local out; while [ $# -gt 0 ]; do [ "$1" != -out ] || out=$2; shift; done
      mkdir "$out" && touch "$out/ca.crt" "$out/ca.key"
    }
    chown() { :; }
  `;
  return spawnSync('bash', ['--norc', '-euc', tool + script.replace('/certs', dir)], { encoding: 'utf8' });
}

describe('what other containers of docker compose can get at', () => {
  const services = [...compose.matchAll(/^ {2}([a-z-]+):\n((?: {4,}.*\n|\n)+)/gm)].map(([, name, text]) => ({
    name,
    text: text!,
  }));
  const those = (...words: string[]) =>
    services.filter(({ text }) => words.some((word) => text.includes(word))).map(({ name }) => name);

  it('are no private keys of the event store and its authority', () => {
    expect(those("'certificates:")).toEqual(['certificates', 'eventstore']);
    expect(those("'authority:/certs/root:ro'")).toEqual(['eventstore', ...those('<<: *environment')]);
    expect(compose).toContain('tlsCAFile=/certs/root/ca.crt');
  });

  it("is not the bus's monitoring, which only its own health check asks", () => {
    const config = readFileSync(join(__dirname, '../../../deploy/nats.conf'), 'utf8');
    expect(config).toContain('\nhttp: "127.0.0.1:8222"\n');
    expect(those("'-m'")).toEqual([]);
    expect(those('http://127.0.0.1:8222/healthz')).toEqual(['nats']);
  });
});

describe('the certificates of the event store', () => {
  it('last five years', () => {
    const made = makeCertificates();
    expect(made.stderr).toBe('');
    expect(made.stdout).toMatch(/^create-ca -days 1825 .*\ncreate-node -days 1825 .*\n$/);
    expect(existsSync(join(dir, 'root/ca.crt'))).toBe(true);
  });

  it('are made whole after a start that was interrupted, and then stay', () => {
    mkdirSync(join(dir, 'ca'));
    writeFileSync(join(dir, 'ca/ca.key'), 'half');
    expect(makeCertificates().status).toBe(0);
    expect(existsSync(join(dir, 'root/ca.crt'))).toBe(true);
    expect(makeCertificates()).toMatchObject({ status: 0, stdout: '' });
  });
});

describe('the secrets of docker compose', () => {
  const makeSecrets = () =>
    spawnSync(process.execPath, [join(__dirname, '../../../deploy/make-secrets.mjs')], { cwd: dir, encoding: 'utf8' });

  const namesIn = (text: string) => text.split('\n').flatMap((line) => /^(\w+)=./.exec(line)?.[1] ?? []);

  it('are made once: only what is missing joins those that are there', () => {
    writeFileSync(join(dir, '.env'), '# VAULT_KEK=x\nVAULT_KEK=\nPORT=8081\n');
    const made = makeSecrets();
    expect(made).toMatchObject({ status: 0, stderr: '' });
    expect(made.stdout).toMatch(/^VAULT_KEK=.{44}$/m);
    const later = ['NATS_PASSWORD_SUBSCRIBER', 'AUDIT_SIGNING_KEY'];
    const old = made.stdout.split('\n').filter((line) => !later.some((name) => line.startsWith(name)));
    writeFileSync(join(dir, '.env'), old.join('\n'));
    expect(namesIn(makeSecrets().stdout)).toEqual(later);
    writeFileSync(join(dir, '.env'), made.stdout);
    expect(makeSecrets()).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });

  it('are none where a file of an own holds the key of the timeline', () => {
    writeFileSync(join(dir, '.env'), 'AUDIT_SIGNING_KEY_FILE=/keys/audit.pem\n');
    expect(namesIn(makeSecrets().stdout)).not.toContain('AUDIT_SIGNING_KEY');
  });

  it('are none beside a password that docker compose would break a URL with', () => {
    const [good, bad] = ['POSTGRES_PASSWORD_KEY="aB3-._~"', 'POSTGRES_PASSWORD=p@ss\nEVENTSTORE_ADMIN_PASSWORD=a/b'];
    writeFileSync(join(dir, '.env'), `${good}\nNATS_PASSWORD_KEY=p@ss\n`);
    expect(makeSecrets()).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(join(dir, '.env'), `${good}\n${bad}\n`);
    const refused = expect.stringMatching(/^EVENTSTORE_ADMIN_PASSWORD, POSTGRES_PASSWORD: best only letters .*\n$/);
    expect(makeSecrets()).toMatchObject({ status: 1, stdout: '', stderr: refused });
  });

  it('begin a line of their own, in a file that nobody else on the machine may read', () => {
    writeFileSync(join(dir, '.env'), 'PORT=8081', { mode: 0o644 });
    expect(makeSecrets().stdout).toMatch(/^\nNATS_PASSWORD_GATEWAY=/);
    expect(statSync(join(dir, '.env')).mode & 0o777).toBe(0o600);
  });
});
