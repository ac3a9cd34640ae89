import { type CustomTypesConfig } from 'pg';
import { TOMBSTONE_REVISION, type StoredEvent } from './event.js';

/** Names sort as bytes: comparing them is a memcmp, and the order does not depend on the machine. */
export const SCHEMA = `
create table if not exists es_events (
  position bigint primary key,
  stream text collate "C" not null,
  revision bigint not null,
  event_id uuid not null,
  type text not null,
  is_json boolean not null,
  created bigint not null,
  data bytea not null,
  metadata bytea not null,
  unique (stream, revision)
)`;

/** One session per schema writes: the lock dies with the session, and so does the ability to write. */
export const WRITER_LOCK = `select pg_try_advisory_lock(7020113, hashtext(current_schema()))`;

/**
 * Plans are made once, when the table may still be empty, and must stay right at any size: every statement here is
 * an index walk. Acknowledged means flushed, whatever the server's default says.
 */
export const SESSION_SETTINGS = `
set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set enable_sort = on;
set plan_cache_mode = force_generic_plan; set synchronous_commit = on; set jit = off`;

/** All payloads of a group travel as one binary parameter that the server cuts up: no hex, one plan for every size. */
export const INSERT_GROUP = `
insert into es_events
select position, stream, revision, event_id, type, is_json, $2::bigint,
  substring($1::bytea from start + 1 for data_length),
  substring($1 from start + data_length + 1 for metadata_length)
from unnest($3::bigint[], $4::text[], $5::bigint[], $6::uuid[], $7::text[], $8::boolean[], $9::int[], $10::int[], $11::int[])
  as row (position, stream, revision, event_id, type, is_json, start, data_length, metadata_length)`;

/** For each owner: the last revisions of it and of its metastream, and the last metadata. */
export const LOAD_STATES = `
select own.revision, meta.revision, meta.data
from unnest($1::text[]) with ordinality as wanted (owner, n)
left join lateral (
  select revision from es_events where stream = owner order by revision desc limit 1) own on true
left join lateral (
  select revision, data from es_events where stream = '$$' || owner order by revision desc limit 1) meta on true
order by n`;

export const LAST_EVENT = `select position, created from es_events order by position desc limit 1`;

export const RECENT_IDS = `select event_id, stream, revision, position from es_events order by position desc limit $1`;

export const STORED_IDS = `
select event_id, position from es_events
where stream = $1 and revision >= $2 and revision < $2::bigint + $3::int order by revision`;

const COLUMNS = `position, stream, revision, event_id, type, is_json, created::text, data, metadata`;
const ALIVE = `revision < ${TOMBSTONE_REVISION} and created >= $4`;

export const STREAM_FORWARDS = `select ${COLUMNS} from es_events
where stream = $1 and revision >= $2 and ${ALIVE} order by revision limit $3`;

export const STREAM_BACKWARDS = `select ${COLUMNS} from es_events
where stream = $1 and revision <= $2 and revision >= $5 and ${ALIVE} order by revision desc limit $3`;

export const STREAM_EVENT = `select ${COLUMNS} from es_events
where stream = $1 and revision = $2 and created >= $3`;

export const ALL_FORWARDS = `select ${COLUMNS} from es_events
where position > $1 and position <= $2 order by position limit $3`;

export const ALL_BACKWARDS = `select ${COLUMNS} from es_events
where position < $1 order by position desc limit $2`;

const BOOLEAN = 16;
const BYTEA = 17;
const BIGINT = 20;

/** 64-bit numbers arrive as bigint; uuid and text as they are. */
export const TYPES: CustomTypesConfig = {
  getTypeParser: (oid: number) => {
    if (oid === BOOLEAN) return (text: string) => text === 't';
    if (oid === BYTEA) return (text: string) => Buffer.from(text.slice(2), 'hex');
    if (oid === BIGINT) return (text: string) => BigInt(text);
    return (text: string) => text;
  },
};

export type EventRow = [bigint, string, bigint, string, string, boolean, string, Buffer, Buffer];

export function eventFromRow([
  position,
  stream,
  revision,
  id,
  type,
  isJson,
  created,
  data,
  metadata,
]: EventRow): StoredEvent {
  return { position, stream, revision, id, type, isJson, created, data, metadata };
}

/** The text form of an array of numbers, booleans or uuids: nothing in it needs quoting. */
export const arrayText = (values: readonly (bigint | number | boolean | string)[]): string => `{${values.join(',')}}`;
