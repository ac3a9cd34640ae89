import { readFile } from 'node:fs/promises';
import { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, type JSONWebKeySet } from 'jose';
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

interface CheckpointFault {
  kind: 'checkpoint' | 'unknown_key';
  /** The end of a sentence. */
  how: string;
}

/** What is wrong with the signature of a line's place in the chain. */
export async function checkpointFault(
  line: ExportLine,
  jws: string,
  keys: CheckpointKeys | null,
): Promise<CheckpointFault | null> {
  let header: ReturnType<typeof decodeProtectedHeader> = {};
  let said: Partial<Checkpoint> = {};
  let isUnknown = false;
  try {
    [header, said] = [decodeProtectedHeader(jws), decodeJwt(jws)];
    if (keys) await compactVerify(jws, keys, { algorithms: ['EdDSA'] });
  } catch (error) {
    isUnknown = error instanceof errors.JWKSNoMatchingKey;
    if (!isUnknown) return bad('is not signed by one of the keys.');
  }
  if (header.typ !== CHECKPOINT_TYPE) return bad('is a signature of something else.');
  const names = ['project_id', 'environment', 'seq', 'hash'] as const;
  if (names.some((name) => said[name] !== line[name])) {
    return bad('was signed for another past: the chain up to here is not the one that was signed.');
  }
  return isUnknown ? { kind: 'unknown_key', how: outsideOf(header.kid) } : null;
}

const bad = (how: string): CheckpointFault => ({ kind: 'checkpoint', how });

/** Anybody can make such a signature, so it shows nothing; what else is wrong with the file would have been said first. */
const outsideOf = (kid: string | undefined): string =>
  `names a key that is not among those given (kid ${JSON.stringify(kid)}): it cannot be checked. Nothing else is wrong. The set ` +
  'may be older than the key, may have lost an older key, or was taken while the audit service was away.';
