import { TOMBSTONE_REVISION } from './event.js';

/** The part of a stream's metadata that the server itself obeys. */
export interface StreamMetadata {
  readonly truncateBefore: bigint;
  readonly maxCount: bigint | undefined;
  readonly maxAgeSeconds: number | undefined;
  readonly softDeleted: boolean;
  /** The stored JSON, kept only while the stream is soft-deleted: an append brings the stream back with another number in it. */
  readonly softDeletedJson: string | undefined;
}

export const NO_METADATA: StreamMetadata = {
  truncateBefore: 0n,
  maxCount: undefined,
  maxAgeSeconds: undefined,
  softDeleted: false,
  softDeletedJson: undefined,
};

/** A deleted stream is one that is truncated before the largest revision. */
export const SOFT_DELETE_METADATA = Buffer.from(`{"$tb":${TOMBSTONE_REVISION}}`);

/** Brackets, and strings with the whole number that stands behind those that are names. */
const TOKENS = /[{}[\]]|("[^"\\]*(?:\\.[^"\\]*)*")(?:\s*:\s*(\d+))?/g;

/** Metadata that is not a JSON object says nothing, as in EventStoreDB. */
export function parseMetadata(data: Buffer): StreamMetadata {
  const json = data.toString();
  const fields = parseObject(json);
  if (!fields) return NO_METADATA;
  const truncateBefore = BigInt(truncation(json)?.digits ?? 0);
  const softDeleted = truncateBefore === TOMBSTONE_REVISION;
  const maxCount = positiveInteger(fields['$maxCount']);
  return {
    truncateBefore,
    maxCount: maxCount === undefined ? undefined : BigInt(maxCount),
    maxAgeSeconds: positiveInteger(fields['$maxAge']),
    softDeleted,
    softDeletedJson: softDeleted ? json : undefined,
  };
}

/** The metadata of a stream that is no longer deleted: truncated before its first new event. None if it is no JSON object. */
export function revivedMetadata(json: string, firstNewRevision: bigint): Buffer | undefined {
  const fields = parseObject(json);
  if (!fields) return undefined;
  const found = truncation(json);
  const [before, after] = found
    ? [json.slice(0, found.end - found.digits.length), json.slice(found.end)]
    : [`${json.slice(0, json.lastIndexOf('}'))}${Object.keys(fields).length > 0 ? ',' : ''}"$tb":`, '}'];
  return Buffer.from(`${before}${firstNewRevision}${after}`);
}

/** Where the metadata says before which revision the stream is truncated. JSON.parse would round a 64-bit number. */
function truncation(json: string): { digits: string; end: number } | undefined {
  let depth = 0;
  let found;
  for (const { 0: token, 1: name, 2: digits, index } of json.matchAll(TOKENS)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (depth === 1 && name === '"$tb"' && digits) found = { digits, end: index + token.length };
  }
  return found;
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function positiveInteger(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;
}
