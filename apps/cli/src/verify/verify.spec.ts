import { generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, exportJWK, type JWK, SignJWT } from 'jose';
import { CHAIN_BEGIN, chainHash, CHECKPOINT_TYPE } from '#contracts/audit-chain.js';
import { verify } from './verify.js';

type Line = Record<string, unknown>;
const place = { project_id: 'p', environment: 'live' };
const pairs = { old: generateKeyPairSync('ed25519'), new: generateKeyPairSync('ed25519') };
const chain: Line[] = [];

const sign = async (by: keyof typeof pairs, { seq, hash }: Line, typ = CHECKPOINT_TYPE) =>
  new SignJWT({ ...place, seq, hash }).setProtectedHeader({ alg: 'EdDSA', kid: by, typ }).sign(pairs[by].privateKey);

beforeAll(() => {
  for (let seq = 1, previous = CHAIN_BEGIN; seq <= 3; seq++) {
    previous = chainHash(previous, { ...place, id: seq });
    chain.push({ ...place, id: seq, seq, hash: previous });
  }
});

/** A chain of three, signed by the old key at the second entry and by the new one at the third. */
const signed = async (): Promise<Line[]> => [
  chain[0]!,
  { ...chain[1], checkpoint: await sign('old', chain[1]!) },
  { ...chain[2], checkpoint: await sign('new', chain[2]!) },
];

async function found(lines: Line[], known: (keyof typeof pairs)[]) {
  const jwk = async (kid: keyof typeof pairs): Promise<JWK> => ({ ...(await exportJWK(pairs[kid].publicKey)), kid });
  const keys = createLocalJWKSet({ keys: await Promise.all(known.map(jwk)) });
  // eslint-disable-next-line @typescript-eslint/require-await -- as of a file
  const read = async function* () {
    for (const line of lines) yield JSON.stringify(line);
  };
  const { fault, signed_until } = await verify(read, keys);
  return { kind: fault?.kind ?? 'good', seq: fault?.seq ?? null, signed_until };
}

describe('a chain whose signing key was changed', () => {
  it('is good with both keys', async () => {
    expect(await found(await signed(), ['old', 'new'])).toEqual({ kind: 'good', seq: null, signed_until: 3 });
  });

  it('names the first signature whose key is not there, and is not called changed', async () => {
    expect(await found(await signed(), ['new'])).toEqual({ kind: 'unknown_key', seq: 2, signed_until: 3 });
    expect(await found(await signed(), ['old'])).toEqual({ kind: 'unknown_key', seq: 3, signed_until: 2 });
    expect(await found(await signed(), [])).toEqual({ kind: 'unknown_key', seq: 2, signed_until: 0 });
  });

  it('is called what it is when more is wrong than that', async () => {
    const [first, second, third] = await signed();
    const ofAnother = { ...second, checkpoint: await sign('old', chain[0]!) };
    expect(await found([first!, ofAnother, third!], ['new'])).toMatchObject({ kind: 'checkpoint', seq: 2 });
    const otherwise = { ...second, checkpoint: await sign('old', chain[1]!, 'JWT') };
    expect(await found([first!, otherwise, third!], ['new'])).toMatchObject({ kind: 'checkpoint', seq: 2 });
    expect(await found([first!, second!, { ...third, extra: 1 }], ['new'])).toMatchObject({ kind: 'changed', seq: 3 });
    expect(await found([first!, second!, chain[2]!], ['new'])).toMatchObject({ kind: 'cut', seq: 3 });
  });
});

it('a file without an entry shows nothing, and is not called good', async () => {
  expect(await found([], ['new'])).toEqual({ kind: 'empty', seq: null, signed_until: 0 });
});
