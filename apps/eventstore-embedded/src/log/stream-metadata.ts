import { TOMBSTONE_REVISION } from './event.js';

/** The part of a stream's metadata that the server itself obeys. */
export interface StreamMetadata {
  readonly truncateBefore: bigint;
  readonly maxCount: bigint | undefined;
  readonly maxAgeSeconds: number | undefined;
  readonly softDeleted: boolean;
  /** The stored JSON, kept only while the stream is soft-deleted: its revival rewrites one number in it. */
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

/** JSON.parse would round a 64-bit number, so truncation is read from the text. */
const TRUNCATE_BEFORE = /("\$tb"\s*:\s*)(\d+)/;

/** Metadata that is not a JSON object says nothing, as in EventStoreDB. */
export function parseMetadata(data: Buffer): StreamMetadata {
  const json = data.toString();
  const fields = parseObject(json);
  if (!fields) return NO_METADATA;
  const truncateBefore = BigInt(TRUNCATE_BEFORE.exec(json)?.[2] ?? 0);
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

/** The metadata of a soft-deleted stream that is written again: truncated before its first new event. */
export function revivedMetadata(softDeletedJson: string, firstNewRevision: bigint): Buffer {
  return Buffer.from(softDeletedJson.replace(TRUNCATE_BEFORE, `$1${firstNewRevision}`));
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function positiveInteger(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;
}
