import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ExportLine } from '#contracts/audit-chain.js';
import { type Api, newCaller } from '#testing/api.js';
import { newTenant } from '#testing/callers.js';
import { sharedStack } from '#testing/stack.js';

const stack = sharedStack();
const folder = mkdtempSync(join(tmpdir(), 'latchkey-proof-'));
const jwks = join(folder, 'jwks.json');
const ours = resolve(__dirname, '../bin/latchkey.js');
const theirs = resolve(__dirname, 'independent-verifier.mjs');
let api: Api;
let key: string;
let text: string;
let lines: string[];

beforeAll(async () => {
  ({ api, key } = await newCaller(stack.run()));
  for (const name of ['Ada', '=cmd', 'Grace, "the" Émigrée', 'Joan', 'Hedy']) await api.post('/api/v1/users', { name });
  const exported = await api.get('/api/v1/audit/export');
  expect(exported.headers.get('x-export-entries')).toBe('6');
  expect(exported.headers.get('x-export-exact')).toBe('true');
  expect(exported.headers.get('content-type')).toContain('application/x-ndjson');
  ({ text } = exported);
  // The clock may have had another place signed just now; the tests are about the last one.
  lines = text
    .trimEnd()
    .split('\n')
    .map((line, at, all) => (at < all.length - 1 ? unsigned(line) : line));
  writeFileSync(jwks, (await api.get('/.well-known/jwks.json')).text);
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((done) => {
    const env = { PATH: process.env.PATH, LATCHKEY_URL: stack.url, LATCHKEY_API_KEY: key };
    execFile(process.execPath, args, { env, timeout: 40_000 }, (error, out, err) =>
      done({ code: error ? Number(error.code ?? -1) : 0, out, err }),
    );
  });

interface Found {
  kind: string;
  seq: number | null;
}

/** What both verifiers say of these lines, which has to be the same. */
async function verdict(of: string[]): Promise<Found> {
  const file = join(folder, 'export.ndjson');
  writeFileSync(file, of.map((line) => `${line}\n`).join(''));
  const [we, they] = await Promise.all([
    run([ours, 'audit', 'verify', file, '--jwks', jwks]),
    run([theirs, file, jwks]),
  ]);
  const { fault, entries, signatures } = JSON.parse(we.out) as {
    fault: Found | null;
    entries: number;
    signatures: string;
  };
  const found = { kind: fault?.kind ?? 'good', seq: fault ? fault.seq : entries };
  expect({ verdict: found.kind, seq: found.seq }).toEqual(JSON.parse(they.out));
  expect({ signatures, code: we.code }).toEqual({ signatures: 'checked', code: fault ? 1 : 0 });
  return found;
}

const unsigned = (line: string) => JSON.stringify({ ...parsed(line), checkpoint: undefined });
const parsed = (line: string) => JSON.parse(line) as ExportLine;
const byAnother = (jws: string) => {
  const [head, ...rest] = jws.split('.');
  const header = JSON.parse(Buffer.from(head!, 'base64url').toString()) as object;
  return [Buffer.from(JSON.stringify({ ...header, kid: 'another' })).toString('base64url'), ...rest].join('.');
};
const without = (index: number) => lines.filter((_, at) => at !== index);
const moved = (from: number, to: number) => without(from).toSpliced(to, 0, lines[from]!);
const swapped = (index: number, by: (line: ExportLine) => object) =>
  lines.with(index, JSON.stringify(by(parsed(lines[index]!))));

describe('an export', () => {
  it('is every entry of the project, oldest first, each with its place in the chain', () => {
    expect(lines.map((line) => parsed(line).seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(lines.map((line) => parsed(line).type)).toEqual(['KeyCreated', ...Array<string>(5).fill('UserCreated')]);
    expect(parsed(lines[1]!)).toMatchObject({
      opened: { summary: 'The user Ada was created.' },
      actor: { type: 'api_key' },
    });
    expect(parsed(lines[5]!).checkpoint).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it('is found good by both verifiers', async () => {
    expect(await verdict(lines)).toEqual({ kind: 'good', seq: 6 });
  });

  it.each<[string, () => string[], Found]>([
    ['one changed byte', () => lines.with(2, lines[2]!.replace('"api_key"', '"api_kez"')), { kind: 'changed', seq: 3 }],
    ['a line that is no JSON', () => lines.with(2, lines[2]!.slice(1)), { kind: 'changed', seq: 3 }],
    ['another hash', () => swapped(2, (line) => ({ ...line, hash: 'f'.repeat(64) })), { kind: 'changed', seq: 3 }],
    ['a new field', () => swapped(2, (line) => ({ ...line, extra: 1 })), { kind: 'changed', seq: 3 }],
    ['an entry less', () => without(2), { kind: 'removed', seq: 3 }],
    ['the first entry gone', () => without(0), { kind: 'removed', seq: 1 }],
    ['an entry twice', () => lines.toSpliced(3, 0, lines[1]!), { kind: 'doubled', seq: 2 }],
    ['an entry further down', () => moved(1, 3), { kind: 'moved', seq: 2 }],
    ['an entry further up', () => moved(3, 1), { kind: 'moved', seq: 4 }],
    ['an end that was cut off', () => without(5), { kind: 'cut', seq: 1 }],
    ['all of it gone', () => [], { kind: 'empty', seq: null }],
    [
      'a checkpoint of another place',
      () => swapped(3, (line) => ({ ...line, checkpoint: parsed(lines[5]!).checkpoint })),
      { kind: 'checkpoint', seq: 4 },
    ],
    [
      'a checkpoint whose signature was bent',
      () => swapped(5, (line) => ({ ...line, checkpoint: line.checkpoint!.slice(0, -8) + 'AAAAAAAA' })),
      { kind: 'checkpoint', seq: 6 },
    ],
    [
      'a checkpoint of a key that is not known',
      () => swapped(5, (line) => ({ ...line, checkpoint: byAnother(line.checkpoint!) })),
      { kind: 'unknown_key', seq: 6 },
    ],
  ])('with %s is refused, and the entry named', async (_, tampered, found) => {
    expect(await verdict(tampered())).toEqual(found);
  });

  it('says nothing against what is not part of the chain', async () => {
    const retold = swapped(2, (line) => ({ ...line, opened: { summary: 'Something else.' } }));
    expect(await verdict(retold)).toEqual({ kind: 'good', seq: 6 });
  });

  it('with a filter is a selection that says so', async () => {
    const { text: some, headers } = await api.get('/api/v1/audit/export?type=UserCreated');
    const selection = some.trimEnd().split('\n');
    expect(selection).toHaveLength(5);
    expect(headers.get('x-export-exact')).toBe('false');
    expect(await verdict(selection)).toEqual({ kind: 'filtered', seq: null });
  });

  it('is CSV on wish, safe for spreadsheets', async () => {
    const { text: csv, headers } = await api.get('/api/v1/audit/export?format=csv&type=UserCreated');
    expect(headers.get('content-type')).toContain('text/csv');
    const records = csv.trimEnd().split('\r\n');
    expect(records).toHaveLength(6);
    expect(records[0]).toMatch(/^seq,position,id,at,type,/);
    expect(records[3]).toContain('"The user Grace, ""the"" Émigrée was created."');
  });

  it('shows nothing of another project, and ends at once where there is nothing', async () => {
    const { api: stranger } = await newCaller(stack.run(), 'read_only', newTenant());
    const { text: other } = await stranger.get('/api/v1/audit/export');
    expect(other.trimEnd().split('\n')).toHaveLength(1);
    expect((await stranger.get('/api/v1/audit/export?type=Nonsense')).text).toBe('');
  });

  it.each(['format=xml', 'from=yesterday'])('is refused with %s', async (query) => {
    expect((await api.get(`/api/v1/audit/export?${query}`)).body).toMatchObject({
      error: { code: 'VALIDATION_ERROR' },
    });
  });

  it('is written by the command line, and verified there', async () => {
    const file = join(folder, 'out.ndjson');
    expect(await run([ours, 'audit', 'export', '--out', file])).toMatchObject({ code: 0, err: '' });
    const { code, out } = await run([ours, 'audit', 'verify', file, '--jwks', `${stack.url}/.well-known/jwks.json`]);
    expect({ code, ...(JSON.parse(out) as object) }).toMatchObject({ code: 0, entries: 6, fault: null });
    const piped = await run([ours, 'audit', 'export', '--progress']);
    expect(piped).toMatchObject({ code: 0, err: expect.stringMatching(/^6 of 6 entries, \d+\/s, [\d.]+ MB\n$/m) });
    expect(piped.out.trimEnd().split('\n')).toHaveLength(6);
    expect(await run([ours, 'audit', 'verify', join(folder, 'none')])).toMatchObject({
      code: 1,
      err: expect.stringContaining('UNREADABLE'),
    });
  });
});
