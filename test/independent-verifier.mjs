// A second verifier of audit exports, written from docs/audit-format.md alone. It uses nothing of Latchkey.
//   node independent-verifier.mjs export.ndjson jwks.json
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [file, jwksFile] = process.argv.slice(2);
const keys = JSON.parse(readFileSync(jwksFile, 'utf8')).keys;
const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);

/** RFC 8785. */
function canonical(value) {
  if (Array.isArray(value)) return '[' + value.map(canonical).join(',') + ']';
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return '{' + Object.keys(value).sort().map((k) => JSON.stringify(k) + ':' + canonical(value[k])).join(',') + '}'; // prettier-ignore
}

/** What is wrong with a checkpoint; undefined when nothing is. */
function faultOf(jws, line) {
  const [head, body, signature] = jws.split('.');
  const json = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
  if (json(head).alg !== 'EdDSA' || json(head).typ !== 'latchkey-audit-checkpoint') return 'checkpoint';
  const isOfHere = ['project_id', 'environment', 'seq', 'hash'].every((name) => json(body)[name] === line[name]);
  if (!isOfHere) return 'checkpoint';
  const jwk = keys.find((key) => key.kid === json(head).kid);
  if (!jwk) return 'unknown_key';
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  return verify(null, Buffer.from(head + '.' + body), key, Buffer.from(signature, 'base64url'))
    ? undefined
    : 'checkpoint';
}

function end(verdict, seq) {
  console.log(JSON.stringify({ verdict, seq }));
  process.exit(verdict === 'good' ? 0 : 1);
}

const read = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
};
const seqs = lines.map((text) => read(text).seq);
if (lines.length === 0) end('empty', null);
let previous = '0'.repeat(64);
let lastSigned = 0;
let unknown = 0;
for (const [index, text] of lines.entries()) {
  const expected = index + 1;
  const line = read(text);
  const { seq, hash, opened: _o, checkpoint, filtered, ...entry } = line;
  if (filtered) end('filtered', null);
  if (typeof seq !== 'number') end('changed', expected);
  if (seq < expected) end('doubled', seq);
  if (seq > expected) {
    if (seqs[index + 1] === expected) end('moved', seq);
    end(seqs.includes(expected) ? 'moved' : 'removed', expected);
  }
  const computed = createHash('sha256').update(previous + '\n' + canonical(entry)).digest('hex'); // prettier-ignore
  if (computed !== hash) end('changed', expected);
  if (checkpoint !== undefined) {
    const fault = faultOf(checkpoint, line);
    if (fault === 'checkpoint') end(fault, expected);
    if (fault) unknown ||= expected;
    lastSigned = seq;
  }
  previous = hash;
}
if (lastSigned < lines.length) end('cut', lastSigned + 1);
if (unknown > 0) end('unknown_key', unknown);
end('good', lines.length);
