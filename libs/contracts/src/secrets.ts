import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { base62, idOf, sha256, shortIdOf } from './ids.js';
import type { KeyIdentity } from './key.js';

/** Where secrets and ids come from: the system's own source, or one that a repeated wish can draw from again. */
export type Random = (bytes: number) => Buffer;

/** A household key: `bb_` + 32 random bytes as 43 base62 digits, 46 characters in all. Shown once. */
export const newHouseholdKey = (random: Random = randomBytes): string => `bb_${base62(random(32), 43)}`;

/** A platform key: prefix + 26 random base62 digits + a 6-digit base62 CRC32 of all that stands before it. */
export function newPlatformKey(environment: 'live' | 'test', random: Random = randomBytes): string {
  const body = `csk_${environment}_${base62(random(32), 43).slice(-26)}`;
  return body + checksum(body);
}

/** A mistyped platform key is refused without a look-up. */
export const isPlatformKey = (text: string): boolean =>
  /^csk_(live|test)_[0-9A-Za-z]{32}$/.test(text) && checksum(text.slice(0, -6)) === text.slice(-6);

export const isHouseholdKey = (text: string): boolean => /^bb_[0-9A-Za-z]{43}$/.test(text);

/** All that is kept of a key besides its hash. */
export const keyPrefix = (key: string): string => key.slice(0, key.startsWith('bb_') ? 11 : 17);

/** What may be known of a key. The id follows from the hash, so that `key.verify` finds the stream without an index. */
export function keyIdentity(key: string): KeyIdentity {
  const key_hash = hashSecret(key);
  const short_id = shortIdOf(key_hash);
  return { id: idOf('api_key', short_id), short_id, key_hash, key_prefix: keyPrefix(key) };
}

/** A link token: 32 random bytes, base64url. Only its hash is stored or sent. */
export const newToken = (random: Random = randomBytes): string => random(32).toString('base64url');

/** 80 bits for people to read and type: digits and letters that look like nothing else. */
export function newSetupCode(random: Random = randomBytes): string {
  const letters = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
  const code = [...random(16)].map((byte) => letters[byte % 32]).join('');
  return code.match(/.{4}/g)!.join('-');
}

/** However it was typed: with small letters, with spaces, without dashes. */
export const hashSetupCode = (code: string): string => sha256(setupLetters(code));

const setupLetters = (code: string): string => code.toUpperCase().replace(/[^0-9A-Z]/g, '');

/** What a code of an operator's own has to be: nothing but these letters counts when it is typed. */
export const isSetupCode = (code: string): boolean => setupLetters(code).length >= 12;
export const SETUP_CODE_RULE = 'needs at least 12 letters or digits (A to Z, 0 to 9)';

export const hashSecret = (secret: string): string => sha256(secret);

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return base62(bytes, 6);
}
