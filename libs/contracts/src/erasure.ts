import type { Position, Tenant } from './envelope.js';
import type { PersonalKind, SealedText } from './personal-text.js';

/** What has lost its personal text. Of each thing no more than its event's position: there may be very many. */
export interface Erased {
  /** How many things of each kind. */
  counts: Partial<Record<PersonalKind, number>>;
  /** Where the events stand that say so, in order. */
  positions: Position[];
}

/** What an erasure was asked for: a thing with an id, or an end user by the name that the caller gave. */
export interface ErasureSubject {
  kind: PersonalKind | 'agent_session' | 'connect_link' | 'api_key' | 'end_user';
  id: string;
}

export interface Erasure extends Erased {
  /** Null when there is nothing of that name here. */
  subject: ErasureSubject | null;
  position: Position;
}

/** The sealed text of one event, as whoever does not own the stream keeps it. */
export interface TextToOpen {
  event_id: string;
  stream: string;
  type: string;
  personal: SealedText;
}

/** By event: the fields with what is in them; an event whose text was erased is not there. */
export type OpenedTexts = Record<string, Record<string, unknown>>;

/** What a receipt says beside who signed it and when (docs/erasure.md). */
export interface ErasureReceipt {
  sub: string;
  subject_kind: ErasureSubject['kind'];
  project_id: string;
  environment: Tenant['environment'];
  /** How many things of each kind have lost text. */
  erased: Erased['counts'];
  /** Where in the event store that stands, in order. */
  positions: string[];
}
