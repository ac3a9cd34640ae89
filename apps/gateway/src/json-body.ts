import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { rawBodyOf } from './raw-body.js';

const MAX_DEPTH = 64;

type Json = Record<string, unknown>;

/**
 * The request's JSON object; undefined when the body is empty. Refuses as INVALID_BODY whatever is not UTF-8, not
 * JSON, not an object, nested deeper than 64 levels, made to reach into prototypes, or has a number that reading changes.
 */
export function jsonBodyOf(request: FastifyRequest): Json | undefined {
  const raw = rawBodyOf(request);
  if (!raw) return undefined;
  if (!isUtf8(raw)) {
    const isEncoded = request.headers['content-encoding'] !== undefined;
    const reason = isEncoded ? ': it has to come without Content-Encoding' : '';
    throw new DomainError('INVALID_BODY', `The request body is not valid UTF-8${reason}.`);
  }
  // Some write a byte order mark in front, which RFC 8259 lets a reader pass over.
  const text = raw.toString().replace(/^\uFEFF/, '');
  const value = parse(text);
  refuseChangedNumbers(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DomainError('INVALID_BODY', 'The request body must be a JSON object.');
  }
  refuseTraps(value, 1);
  return value as Json;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new DomainError('INVALID_BODY', 'The request body is not valid JSON.');
  }
}

const MAY_CHANGE = /\d{16}|\d[eE]/;
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/** JSON.parse rounds beyond 2^53, and makes Infinity of 1e400 and 0 of 1e-400, without a word. Few bodies can have any. */
function refuseChangedNumbers(text: string): void {
  if (!MAY_CHANGE.test(text)) return;
  for (const [token] of text.matchAll(STRING_OR_NUMBER)) {
    if (token.startsWith('"') || isKept(token)) continue;
    throw new DomainError('INVALID_BODY', 'The request body has a number that cannot be kept as it is.');
  }
}

function isKept(text: string): boolean {
  const number = Number(text);
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(number);
  if (number !== 0 && Math.abs(number) <= Number.MAX_SAFE_INTEGER) return true;
  return Number.isFinite(number) && digitsOf(text) === digitsOf(String(number));
}

/** Without the zeros around them, which only say how large the number is. */
const digitsOf = (number: string): string =>
  number
    .split(/e/i, 1)[0]!
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');

function refuseTraps(value: object, depth: number): void {
  if (depth > MAX_DEPTH) throw new DomainError('INVALID_BODY', `The request body is nested deeper than ${MAX_DEPTH}.`);
  for (const key of Object.keys(value)) {
    const inner = (value as Json)[key];
    if (key === '__proto__' || (key === 'constructor' && isObject(inner) && Object.hasOwn(inner, 'prototype'))) {
      throw new DomainError('INVALID_BODY', `The request body has a forbidden field "${key}".`);
    }
    if (isObject(inner)) refuseTraps(inner, depth + 1);
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
