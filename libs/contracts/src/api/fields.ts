import { z } from 'zod';
import type { AsOf } from '../envelope.js';

/**
 * Building blocks of the API's schemas. A message is what follows the field's name in a refusal: `must be …`.
 * Each schema is validation, TypeScript type and OpenAPI in one (docs/decisions/0007).
 */

/** NUL and halves of surrogate pairs are valid in JSON, but no database keeps them. */
const UNSTORABLE = /[\0\p{Cs}]/u;

/** Lengths count characters (code points), as a person does, not UTF-16 units. */
const characters = (text: string): number => (text.length === 0 ? 0 : [...text].length);

/** Absent and null mean the same: not given. */
export const optional = <S extends z.ZodType, const F>(schema: S, fallback: F) =>
  schema
    .nullish()
    .transform((value): z.output<S> | F => (value ?? fallback) as z.output<S> | F)
    .meta({ default: fallback ?? undefined });

/** Any text of at most `max` characters, kept as it was sent. */
export const text = (max: number) =>
  z
    .string()
    .refine((value) => !UNSTORABLE.test(value), 'must not contain NUL or unpaired surrogates')
    .refine((value) => value.length <= max || characters(value) <= max, `must be at most ${max} characters`)
    .meta({ maxLength: max });

/** Any text of 1 to `max` characters, kept as it was sent. */
export const filled = (max: number) =>
  text(max)
    .refine((value) => value !== '', 'must not be empty')
    .meta({ minLength: 1 });

/** Text that must say something: trimmed, 1 to `max` characters. */
export const name = (max: number) =>
  z
    .string()
    .transform((value) => value.trim())
    .refine((value) => value !== '', { error: 'is required', abort: true })
    .refine((value) => !UNSTORABLE.test(value), 'must not contain NUL or unpaired surrogates')
    .refine((value) => characters(value) <= max, `must be at most ${max} characters`)
    .meta({ minLength: 1, maxLength: max });

/** What `parse` makes of a text; null is a refusal. */
export const read = <T>(parse: (text: string) => T | null, message: string) =>
  z.string().transform((value, refusals) => {
    const parsed = parse(value);
    if (parsed !== null) return parsed;
    refusals.addIssue(message);
    return z.NEVER;
  });

export const integer = (min: number, max: number) => {
  const error = `must be between ${min} and ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};

/** One of the words; anything else is refused in these `words`. */
export const oneOf = <const V extends readonly [string, ...string[]]>(values: V, words: string) =>
  z.enum(values, { error: `must be ${words}` });

/** In a query everything is text. An empty value counts as not given. */
const given = (value: string | undefined) => (value === '' ? undefined : value);

export const word = (max = 200) => text(max).optional().transform(given);

const wholeNumber = (text: string): number => (/^\d{1,9}$/.test(text) ? Number(text) : NaN);

/** A whole number between the bounds, written in digits. */
export const limit = (max: number, fallback = 50) =>
  z
    .string()
    .optional()
    .transform((value) => (value === undefined || value === '' ? fallback : wholeNumber(value)))
    .refine((value) => value >= 1 && value <= max, `must be between 1 and ${max}`)
    .meta({ type: 'integer', minimum: 1, maximum: max, default: fallback });

export const choice = <const V extends readonly [string, ...string[]]>(values: V) =>
  z
    .enum(['', ...values], { error: `must be one of ${values.join(', ')}` })
    .optional()
    .transform((value) => (value === '' ? undefined : value) as V[number] | undefined)
    .meta({ enum: [...values] });

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** A `+` that was not escaped arrives as a space. */
const spaced = (value: string): string => value.replace(/ (?=\d\d:\d\d$)/, '+');

/**
 * A bound as RFC 3339 says it, turned into UTC with milliseconds: the first one that is not before it, so that what has
 * happened in a millisecond is on the same side of it as before.
 */
export const moment = read((value) => (value ? notBefore(spaced(value)) : undefined), 'must be an RFC 3339 time')
  .optional()
  .meta({ type: 'string', format: 'date-time' });

function notBefore(value: string): string | null {
  const utc = toUtc(value);
  if (utc === null || !/\.\d{3}\d*[1-9]/.test(value)) return utc;
  return toUtc(new Date(Date.parse(utc) + 1).toISOString());
}

/** Null for what is no RFC 3339 time, or none of the years 1 to 9999, which databases take. */
export function toUtc(sent: string): string | null {
  // A leap second, which no clock here has, is the end of the second before it.
  const value = sent.replace(/(?<=:\d\d):60(\.\d+)?/, ':59.999');
  if (!RFC_3339.test(value) || !isOnCalendar(value.slice(0, 19).toUpperCase())) return null;
  const time = Date.parse(value);
  const utc = Number.isNaN(time) ? '' : new Date(time).toISOString();
  return /^(?!0000)\d{4}-/.test(utc) ? utc : null;
}

/** Date.parse takes the 30th of February for the 2nd of March, and 24:00 for the next day. */
function isOnCalendar(clock: string): boolean {
  const time = Date.parse(`${clock}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(clock);
}

const POSITION = /^\d{1,19}$/;
const LAST_POSITION = 2n ** 63n - 1n;

/** A moment that has passed, as a time or as a position of the timeline. */
export const asOfQuery = z.object({
  as_of: read((value) => (value ? toMoment(value) : undefined), 'must be an RFC 3339 time or a position')
    .optional()
    .meta({ type: 'string', examples: ['2026-11-07T05:31:56.000Z', '4711'] })
    .describe('Answer as this request would have been answered then: an RFC 3339 time, or a position of the timeline.'),
});
export type AsOfQuery = z.output<typeof asOfQuery>;

function toMoment(value: string): AsOf | null {
  if (POSITION.test(value)) return BigInt(value) <= LAST_POSITION ? { position: value } : null;
  const time = toUtc(spaced(value));
  return time === null ? null : { time };
}

export const cursor = z.string().max(500, 'must be one that this list handed out').optional().transform(given);

/** Fields of replies. */
export const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  .meta({ format: 'uuid' });
export const shortId = z
  .string()
  .regex(/^[0-9A-Za-z]{8}$/)
  .meta({ examples: ['kX3v09Qa'] });
export const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  .meta({ format: 'date-time', examples: ['2026-11-07T05:31:56.000Z'] });

/** A page of a list on `/api/v1`, newest first. */
export const page = <K extends string, S extends z.ZodType>(key: K, item: S) =>
  z.object({
    [key]: z.array(item),
    next_cursor: z
      .string()
      .nullable()
      .describe(
        'Pass it as `cursor` to get the next page; null on the last one. A page may hold fewer than `limit` before that.',
      ),
    has_more: z.boolean(),
  } as { [P in K]: z.ZodArray<S> } & { next_cursor: z.ZodNullable<z.ZodString>; has_more: z.ZodBoolean });
