import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { type ExpectedRevision } from '../log/event.js';
import { describeError, logger } from '../logger.js';
import {
  AccessDenied,
  AppendTooLarge,
  InvalidArgument,
  ShuttingDown,
  StreamDeleted,
  TimedOut,
  WrongExpectedVersion,
} from '../log/refusals.js';

/** What was asked, as far as error texts repeat it. */
export interface Asked {
  readonly operation: 'Append' | 'Delete' | 'Read';
  readonly stream?: string;
  readonly expected?: ExpectedRevision;
}

/** A proposed message came without one of the metadata every event must have. */
export class RequiredMetadataMissing extends Error {
  constructor(readonly property: string) {
    super(`Required Metadata Property '${property}' is missing`);
  }
}

/** Metadata every proposed message must carry. */
export const REQUIRED_METADATA = ['type', 'content-type'];

type Trailers = Record<string, string | number | bigint>;

/** The status and trailers by which the client recognises each of its error classes; details as the real server words them. */
export function serviceError(error: unknown, { operation, stream = '', expected }: Asked): ServiceError {
  const named = { 'stream-name': stream };
  if (error instanceof StreamDeleted) {
    return failure(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, 'stream-deleted', named);
  }
  if (error instanceof WrongExpectedVersion) {
    const versions = { 'expected-version': expectedNumber(expected), 'actual-version': error.current };
    const details = `${operation} failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${versions['expected-version']}, Actual version: ${error.current}`;
    return failure(status.FAILED_PRECONDITION, details, 'wrong-expected-version', { ...named, ...versions });
  }
  if (error instanceof AppendTooLarge) {
    const details = `Maximum Append Size of ${error.limitBytes} Exceeded.`;
    const trailers = { 'maximum-append-size': error.limitBytes };
    return failure(status.INVALID_ARGUMENT, details, 'maximum-append-size-exceeded', trailers);
  }
  if (error instanceof RequiredMetadataMissing) {
    const trailers = { 'required-metadata-properties': REQUIRED_METADATA.join(',') };
    return failure(status.INVALID_ARGUMENT, error.message, 'missing-required-metadata-property', trailers);
  }
  return plainFailure(error);
}

function plainFailure(error: unknown): ServiceError {
  if (error instanceof AccessDenied) return failure(status.PERMISSION_DENIED, 'Access Denied', 'access-denied');
  if (error instanceof TimedOut) return failure(status.ABORTED, `Operation timed out: ${error.message}`);
  if (error instanceof InvalidArgument) return failure(status.INVALID_ARGUMENT, error.message);
  if (error instanceof ShuttingDown) return failure(status.UNAVAILABLE, 'Server is shutting down');
  return failure(status.UNKNOWN, unexpected(error));
}

/** Logs what is no refusal of ours, and returns what the client may know of it. */
export function unexpected(error: unknown): string {
  const described = describeError(error);
  logger.error(described, 'a call failed');
  return described.message;
}

/** Streaming calls end like this at shutdown; the client takes it as a reason to reconnect. */
export const cancelledByShutdown = (): ServiceError => failure(status.CANCELLED, 'Server is shutting down');

function failure(code: status, details: string, exception?: string, trailers: Trailers = {}): ServiceError {
  const metadata = new Metadata();
  if (exception) metadata.set('exception', exception);
  // Trailers are ASCII: the client decodes what is percent-encoded.
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, encodeURI(String(value)));
  return Object.assign(new Error(details), { code, details, metadata });
}

/** The numbers the protocol uses for expectations that are no revision. */
function expectedNumber(expected: ExpectedRevision = 'any'): bigint {
  if (expected === 'any') return -2n;
  if (expected === 'no_stream') return -1n;
  if (expected === 'stream_exists') return -4n;
  return expected;
}
