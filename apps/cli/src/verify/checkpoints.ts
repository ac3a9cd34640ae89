import { readFile } from 'node:fs/promises';
import { compactVerify, createLocalJWKSet, decodeJwt, type JSONWebKeySet } from 'jose';
import { type Checkpoint, CHECKPOINT_TYPE, type ExportLine } from '#contracts/audit-chain.js';
import { CliError } from '../errors.js';

export type CheckpointKeys = ReturnType<typeof createLocalJWKSet>;

const DEADLINE_MS = 10_000;

/** The public keys, from a file or from where an installation shows them. */
export async function readKeys(place: string): Promise<CheckpointKeys> {
  try {
    const text = /^https?:/.test(place)
      ? await (await fetch(place, { signal: AbortSignal.timeout(DEADLINE_MS) })).text()
      : await readFile(place, 'utf8');
    return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
  } catch (error) {
    throw new CliError('NO_KEYS', `The keys of ${place} cannot be read: ${(error as Error).message}`);
  }
}

/** What is wrong with the signature of a line's place in the chain, as the end of a sentence. */
export async function checkpointFault(
  line: ExportLine,
  jws: string,
  keys: CheckpointKeys | null,
): Promise<string | null> {
  let said: Partial<Checkpoint>;
  try {
    said = decodeJwt(jws);
    const verified = keys && (await compactVerify(jws, keys, { algorithms: ['EdDSA'] }));
    if (verified && verified.protectedHeader.typ !== CHECKPOINT_TYPE) return 'is a signature of something else.';
  } catch {
    return 'is not signed by one of the keys.';
  }
  const names = ['project_id', 'environment', 'seq', 'hash'] as const;
  return names.every((name) => said[name] === line[name])
    ? null
    : 'was signed for another past: the chain up to here is not the one that was signed.';
}
