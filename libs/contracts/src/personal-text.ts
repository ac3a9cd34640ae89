/**
 * Text about people in events, and what stands in its place when it is erased. The event store keeps it sealed under a
 * key of the stream (libs/eventstore/src/personal-text.ts); whoever writes or reads events there need not know.
 * A field that is added here is sealed in events from then on; older ones keep it as it was written.
 */
export const personalText: Record<string, Record<string, unknown>> = {
  UserCreated: { name: '', email: null },
  UserUpdated: { name: '', email: null },
  SessionMinted: { label: '' },
  // The operator's notes can say anything, and a certificate is often made out to a person.
  ConnectionCreated: { display_name: null, connection_metadata: {}, cert_metadata: {} },
  CredentialRotated: { display_name: null, connection_metadata: {}, cert_metadata: {} },
  MetadataChanged: { connection_metadata: {} },
};

/** The kinds of stream that can hold it. */
export const personalKinds = ['user', 'connection', 'link_session'] as const;
export type PersonalKind = (typeof personalKinds)[number];

/** The text of an event, under the number of its stream's key; the facts beside it are as if it were erased. */
export interface SealedText {
  key_number: number;
  /** By field: base64url of nonce, tag and ciphertext. */
  text: Record<string, string>;
}

export interface ErasePersonalText {
  type: 'ErasePersonalText';
  now: string;
}

/** All text of this stream's events up to here is gone, and the keys up to `key_number` with it. */
export interface PersonalTextErased {
  type: 'PersonalTextErased';
  key_number: number;
  at: string;
}

/** The fields of an event that say something about a person. */
export function personalFieldsOf(event: { type: string }): string[] {
  const fields = Object.hasOwn(personalText, event.type) ? personalText[event.type]! : {};
  const facts = event as Record<string, unknown>;
  return Object.keys(fields).filter((name) => facts[name] !== undefined && !isSame(facts[name], fields[name]));
}

const isSame = (value: unknown, erased: unknown): boolean =>
  value === erased || (typeof erased === 'object' && JSON.stringify(value) === JSON.stringify(erased));
