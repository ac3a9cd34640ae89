import { decrypt, encrypt } from '#contracts/cipher.js';
import { personalFieldsOf, personalText, type SealedText } from '#contracts/personal-text.js';

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
    const context = { ...place, type: event.type, field, key_number: key.number };
    text[field] = sealValue(key.bytes, facts[field], context);
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
    const context = { ...place, type: event.type, field, key_number: personal.key_number };
    return [field, openValue(key, sealed, context) ?? (facts as Record<string, unknown>)[field]];
  });
  return { ...facts, ...Object.fromEntries(opened) } as E;
}

type EncryptionContext = TextPlace & { type: string; field: string; key_number: number };

const additionalData = ({ stream, event_id, type, field, key_number }: EncryptionContext): Buffer =>
  Buffer.from(JSON.stringify([stream, event_id, type, field, key_number]));

const sealValue = (key: Buffer, value: unknown, context: EncryptionContext): string =>
  encrypt(key, padded(JSON.stringify(value)), additionalData(context)).toString('base64url');

/** White space behind it is nothing to a reader of JSON. */
function padded(json: string): Buffer {
  const bytes = Buffer.from(json);
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK, ' ')]);
}

/** Undefined when it does not open: what was tampered with is as good as erased. */
function openValue(key: Buffer, sealed: string, context: EncryptionContext): unknown {
  try {
    return JSON.parse(decrypt(key, Buffer.from(sealed, 'base64url'), additionalData(context)).toString());
  } catch {
    return undefined;
  }
}
