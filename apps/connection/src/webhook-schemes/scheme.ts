import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { jsonObject } from '../json-object.js';
import { type WebhookFact } from '../providers/provider.js';

export interface Delivery {
  /** The bytes as they came in; what is verified is never a re-encoding of them. */
  body: Buffer;
  /** By lower-case name, as Node gives them. */
  headers: Record<string, string>;
  /** The parameters of the address: Mercado Pago signs `data.id` of it. */
  query?: Record<string, string>;
  /** The secrets in force: the current one, and the old one within its grace. None means that nothing is believed. */
  secrets: readonly string[];
  now: Date;
}

/**
 * The fact a genuine delivery tells, or null. Never says why it was not believed. Only Plaid's can throw: a retryable error
 * when its key could not be fetched, to be answered with 503.
 */
export type WebhookScheme = (delivery: Delivery) => Promise<WebhookFact | null>;

/** Where a scheme with a format of its own finds what names a delivery. */
export interface EventNames {
  /** A header, such as `x-github-delivery`. */
  idHeader?: string;
  typeHeader?: string;
  /** A field at the top of the JSON body. */
  idField?: string;
  typeFields?: readonly string[];
}

/**
 * What a verified delivery says of itself. Without an id it is named by its body and signature, so that a repeat is known
 * again and two events about one thing stay two.
 */
export function factOf({ body, headers }: Delivery, signature: string, names: EventNames = {}): WebhookFact {
  const fields = fieldsOf(body);
  const { typeHeader, typeFields = ['type', 'event'] } = names;
  const types = typeHeader ? [headers[typeHeader]] : typeFields.map((field) => fields[field]);
  return {
    deliveryId: eventId(namedId(names, headers, fields)) ?? sha256(body, signature),
    type: types.map(word).find((type) => type !== '') ?? '',
    effect: 'none',
    providerItemId: '',
    code: '',
  };
}

function namedId(
  { idHeader, idField }: EventNames,
  headers: Delivery['headers'],
  fields: Record<string, unknown>,
): unknown {
  if (idHeader) return headers[idHeader];
  return idField ? fields[idField] : likelyEventId(fields);
}

/** An `id` counts only where it names the event. One that names the thing comes again with the next event about it. */
function likelyEventId({ event_id, id, object, resource }: Record<string, unknown>): unknown {
  const namesEvent = object === 'event' || resource === 'event' || (typeof id === 'string' && /^evt[_-]/i.test(id));
  return event_id ?? (namesEvent ? id : undefined);
}

/** The body as a JSON object; {} for every other body. */
export const fieldsOf = (body: Buffer): Record<string, unknown> => jsonObject(body.toString()) ?? {};

/** An id in printable ASCII stands for itself; another one is hashed, because a store may refuse or fold it. */
export function eventId(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (typeof value !== 'string' || value === '') return undefined;
  return /^[\x21-\x7e]{1,200}$/.test(value) ? value : sha256(Buffer.from(value), '');
}

/** What may stand in an event as it came; "" for every other value. */
export const word = (value: unknown): string =>
  typeof value === 'string' && /^[\w.:/-]{1,200}$/.test(value) ? value : '';

const sha256 = (body: Buffer, signature: string): string =>
  createHash('sha256').update(body).update('\n').update(signature).digest('hex');

/** HMAC-SHA256 of the parts, one for each secret in force. */
export const hmacs = (secrets: readonly string[], ...parts: (string | Buffer)[]): Buffer[] =>
  secrets.filter(isSet).map((secret) => {
    const hmac = createHmac('sha256', secret);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  });

/** Digests of texts of any length, so that comparing them tells nothing about the length either. */
export const digests = (texts: readonly string[]): Buffer[] =>
  texts.filter(isSet).map((text) => createHash('sha256').update(text).digest());

const isSet = (secret: string): boolean => secret !== '';

/** A SHA-256 in lower-case hex as its bytes; null for every other text, so that one signature has one spelling. */
export const hexDigest = (text: string | undefined): Buffer | null =>
  text !== undefined && /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, 'hex') : null;

/** Whether any sent digest is any of the expected ones. Every pair is compared, whichever fits. */
export function anyEqual(sent: readonly Buffer[], expected: readonly Buffer[]): boolean {
  const equal = sent.flatMap((each) => expected.map((other) => timingSafeEqual(each, other)));
  return equal.includes(true);
}

/** `name=value` pairs between commas; null when any of them is something else. */
export function pairsOf(header: string | undefined): [string, string][] | null {
  const pairs = (header ?? '').split(',').map((pair) => /^([a-z0-9]+)=([^\s=,]+)$/.exec(pair.trim()));
  return pairs.every((pair) => pair !== null) ? pairs.map(([, name, value]) => [name!, value!]) : null;
}

/**
 * Whether `t=<unix seconds>,v1=<hex>[,v1=<hex>]` holds an HMAC-SHA256 of `t.body` and a time that is so near. There are
 * several v1 while a secret is being rotated, and never several t.
 */
export function isSignedInTime(
  header: string | undefined,
  { secrets, body, now }: Delivery,
  toleranceSeconds: number,
): boolean {
  const pairs = pairsOf(header) ?? [];
  const [time = '', ...others] = pairs.flatMap(([name, value]) => (name === 't' ? [value] : []));
  if (!/^\d{1,12}$/.test(time) || others.length > 0) return false;
  if (Math.abs(now.getTime() / 1000 - Number(time)) > toleranceSeconds) return false;
  const signatures = pairs.flatMap(([name, value]) => (name === 'v1' ? (hexDigest(value) ?? []) : []));
  return anyEqual(signatures, hmacs(secrets, `${time}.`, body));
}
