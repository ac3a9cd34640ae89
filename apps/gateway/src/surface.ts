import type { ErrorCode } from '#contracts/errors.js';

/** As much of an endpoint as tells which of the two APIs it belongs to. */
type Placed = { path: string } | undefined;

export const isPlatform = (endpoint: Placed): boolean => endpoint?.path.startsWith('/v1/') === true;

/** What the surface calls a fault in what is asked for beside path and body. */
export const parameterFault = (endpoint: Placed): ErrorCode =>
  isPlatform(endpoint) ? 'INVALID_PARAMETER' : 'VALIDATION_ERROR';
