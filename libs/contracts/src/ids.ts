import { createHash, hash, randomBytes } from 'node:crypto';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Base62 with the digits 0-9A-Za-z, most significant first, left-padded with 0 to `width`. */
export function base62(bytes: Uint8Array, width: number): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
  let text = '';
  for (; value > 0n; value /= 62n) text = DIGITS[Number(value % 62n)] + text;
  return text.padStart(width, '0');
}

export const sha256 = (text: string): string => hash('sha256', text, 'hex');

/** RFC 9562 version 5: the same name always gives the same UUID. */
export function uuidV5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  hash[6] = (hash[6]! & 0x0f) | 0x50;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The kinds of thing that have a UUID and a short_id; also the prefix of their streams. */
export type Kind = 'link_session' | 'connection' | 'user' | 'api_key' | 'agent_session' | 'connect_link';

const NAMESPACE = 'b5f1b1a4-54c4-5f0e-9a55-0f2f4b7c9c11';
/** How many there are: few enough for exact arithmetic on ordinary numbers. */
const SHORT_IDS = 62n ** 8n;
const SHORT_ID = /^[0-9A-Za-z]{8}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Eight characters of [0-9A-Za-z], about 47.6 bits. */
export const newShortId = (random: (bytes: number) => Buffer = randomBytes): string =>
  shortIdOf(random(32).toString('hex'));

/** A short_id that follows from a secret's hash, so that the secret alone finds its stream without an index. */
export function shortIdOf(secretHash: string): string {
  const number = BigInt(`0x${sha256(`short_id:${secretHash}`).slice(0, 32)}`);
  let text = '';
  for (let rest = Number(number % SHORT_IDS); text.length < 8; rest = Math.floor(rest / 62)) {
    text = DIGITS[rest % 62] + text;
  }
  return text;
}

/**
 * The UUID follows from the short_id. Two things of one kind can therefore never share a short_id: the second
 * one's first append finds the stream taken, and its maker picks another. No index and no claim is needed.
 */
export const idOf = (kind: Kind, shortId: string): string => uuidV5(NAMESPACE, `${kind}:${shortId}`);

/** A UUID or short_id as it stands in a path or a body; null when it has neither shape. */
export function parseId(kind: Kind, text: string): string | null {
  if (UUID.test(text)) return text.toLowerCase();
  return SHORT_ID.test(text) ? idOf(kind, text) : null;
}

/** `/v1` writes a UUID as a prefix and 22 base62 digits. */
const written = (prefix: string, uuid: string): string =>
  prefix + base62(Buffer.from(uuid.replaceAll('-', ''), 'hex'), 22);

/** The UUID behind such an id; null when it is not one. */
function readUuid(prefix: string, text: string): string | null {
  const digits = text.slice(prefix.length);
  if (!text.startsWith(prefix) || !/^[0-9A-Za-z]{22}$/.test(digits)) return null;
  let value = 0n;
  for (const digit of digits) value = value * 62n + BigInt(DIGITS.indexOf(digit));
  const hex = value.toString(16).padStart(32, '0');
  if (hex.length > 32) return null;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A project: `prj_` and 16 base62 digits. */
export const newProjectId = (random: (bytes: number) => Buffer = randomBytes): string =>
  `prj_${base62(random(32), 43).slice(-16)}`;
export const isProjectId = (text: string): boolean => /^prj_[0-9A-Za-z]{16}$/.test(text);

export const platformConnectionId = (uuid: string): string => written('conn_', uuid);
export const parsePlatformConnectionId = (text: string): string | null => readUuid('conn_', text);
export const agentSessionId = (uuid: string): string => written('ses_', uuid);
export const parseAgentSessionId = (text: string): string | null => readUuid('ses_', text);
