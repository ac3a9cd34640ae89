import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { personalFieldsOf, personalText, type SealedText } from '#contracts/personal-text.js';

const CIPHER = 'aes-256-gcm';
const NONCE = 12;
const TAG = 16;
/** The length of a text is not to be read off its ciphertext. */
const BLOCK = 32;

type Event = { type: string };

/** Which event the text belongs to. It is bound into the ciphertext: moved elsewhere, it does not open. */
export interface TextPlace {
  stream: string;
  event_id: string;
}

/** An event as it is stored: without its personal text, and with the same, sealed, beside the other facts. */
export function sealText<E extends Event>(event: E, place: TextPlace, key: { number: number; bytes: Buffer }): E {
  const facts = event as Record<string, unknown>;
  const stored: Record<string, unknown> = { ...event };
  const text: SealedText['text'] = {};
  for (const field of personalFieldsOf(event)) {
    const bound = { ...place, type: event.type, field, key_number: key.number };
    text[field] = encrypt(key.bytes, facts[field], bound);
    stored[field] = personalText[event.type]![field];
  }
  const personal: SealedText = { key_number: key.number, text };
  return { ...stored, personal } as unknown as E;
}

export const sealedTextOf = (event: Event): SealedText | undefined => (event as { personal?: SealedText }).personal;

/** The event as it was before it was sealed; without a key, or with the wrong one, as if its text were erased. */
export function openText<E extends Event>(event: E, place: TextPlace, key: Buffer | undefined): E {
  const { personal, ...facts } = event as E & { personal?: SealedText };
  if (!personal || !key) return facts as unknown as E;
  const opened = Object.entries(personal.text).map(([field, sealed]) => {
    const bound = { ...place, type: event.type, field, key_number: personal.key_number };
    return [field, decrypt(key, sealed, bound) ?? (facts as Record<string, unknown>)[field]];
  });
  return { ...facts, ...Object.fromEntries(opened) } as E;
}

type Bound = TextPlace & { type: string; field: string; key_number: number };

const additional = ({ stream, event_id, type, field, key_number }: Bound): Buffer =>
  Buffer.from(JSON.stringify([stream, event_id, type, field, key_number]));

function encrypt(key: Buffer, value: unknown, bound: Bound): string {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(additional(bound));
  const body = Buffer.concat([cipher.update(padded(JSON.stringify(value))), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
}

/** White space behind it is nothing to a reader of JSON. */
function padded(json: string): Buffer {
  const bytes = Buffer.from(json);
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK, ' ')]);
}

/** Undefined when it does not open: what was tampered with is as good as erased. */
function decrypt(key: Buffer, sealed: string, bound: Bound): unknown {
  const bytes = Buffer.from(sealed, 'base64url');
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAAD(additional(bound)).setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
    const json = Buffer.concat([decipher.update(bytes.subarray(NONCE + TAG)), decipher.final()]);
    return JSON.parse(json.toString());
  } catch {
    return undefined;
  }
}
