/** Any JSON object. */
export type Json = Record<string, unknown>;

/** What a connection says of its certificate. */
export interface CertMetadata extends Json {
  subject_cn: string | null;
  issuer_cn: string | null;
  not_before: string;
  not_after: string;
  fingerprint_sha256: string;
}

const MOST_KEYS = 64;
const MOST_BYTES = 32_768;

/** What is wrong with an operator's metadata, as it follows the field's name; null when nothing is. */
export function metadataFault(metadata: Json): string | null {
  if (Object.keys(metadata).length > MOST_KEYS) return `must have at most ${MOST_KEYS} keys`;
  const json = JSON.stringify(metadata);
  if (Buffer.byteLength(json) > MOST_BYTES) return `must be at most ${MOST_BYTES} bytes of JSON`;
  return UNSTORABLE.test(json) ? 'must not contain NUL or unpaired surrogates' : null;
}

/** As JSON writes what no database keeps: an escape behind an even number of backslashes. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/;

/** Key by key; null removes. A null that was stored before stays: only what the change names is changed. */
export function mergedMetadata(before: Json, changes: Json): Json {
  const kept = Object.entries({ ...before, ...changes }).filter(([key]) => changes[key] !== null);
  return Object.fromEntries(kept);
}
