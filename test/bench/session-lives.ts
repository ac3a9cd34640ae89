import { randomBytes, randomUUID } from 'node:crypto';
import { jsonEvent, NO_STREAM } from '@eventstore/db-client';
import { DataSource } from 'typeorm';
import type { SessionEvent } from '#contracts/link-session.js';
import '#eventstore/append-as-bytes.js';
import { connectEventStore, type EventStoreDBClient } from '#eventstore/client.js';
import { seal, sealWith } from '#eventstore/personal-text.js';
import { SubjectKeyRow, SubjectKeys } from '#eventstore/subject-keys.js';
import { anotherMinted, type Fixture, times } from './fixture.js';
import { projected } from './seed.js';

const AT_ONCE = 64;
const PROJECTS = 20;
const DAY_MS = 24 * 60 * 60 * 1000;
export const EVENTS_OF_A_LIFE = 10;

/**
 * Stores so many whole lives of sessions, each in one append, of several projects and sealed as the service seals them;
 * resolves when the views have them.
 */
export async function storeLives({ run, sample }: Fixture, count: number): Promise<void> {
  const client = connectEventStore(run.eventstore.url);
  const keys = new DataSource({ type: 'postgres', url: run.databases['link_session']!, entities: [SubjectKeyRow] });
  sealWith(client, new SubjectKeys(await keys.initialize()));
  const projects = Array.from({ length: PROJECTS }, () => `prj_${randomBytes(8).toString('hex')}`);
  let [head, number] = [0n, 0];
  const store = async () => {
    const project_id = projects[number++ % PROJECTS]!;
    const position = await storeLife(client, lifeOf(sample, project_id), { ...sample.metadata, project_id });
    if (position > head) head = position;
  };
  await times(count, store, AT_ONCE);
  await client.dispose();
  await keys.destroy();
  await projected(run.databases['link_session']!, 'link_sessions', head);
  await projected(run.databases['audit']!, 'audit_entries', head);
}

async function storeLife(client: EventStoreDBClient, events: SessionEvent[], metadata: object): Promise<bigint> {
  const stream = `link_session-${(events[0] as { id: string }).id}`;
  const ids = events.map((): string => randomUUID());
  const sealed = await seal(client, { stream, events, ids, past: [] });
  const json = sealed!.map(({ type, ...data }, index) =>
    jsonEvent({ id: ids[index]!, type, data: data as never, metadata: metadata as never }),
  );
  const { position } = await client.appendToStream(stream, json, { expectedRevision: NO_STREAM });
  return position!.commit;
}

/** A bank that does not answer at first, and another device. */
function lifeOf(sample: Fixture['sample'], project_id: string): SessionEvent[] {
  const { personal: _sealed, ...minted } = anotherMinted(
    sample,
    new Date(Date.now() + DAY_MS).toISOString(),
  ) as never as { personal: object } & Extract<SessionEvent, { type: 'SessionMinted' }>;
  const at = new Date().toISOString();
  const connection_id = randomUUID();
  const [first, second] = [randomUUID(), randomUUID()];
  return [
    { ...minted, project_id, label: 'Household accounts', single_use: false, at },
    { type: 'SessionActivated', at },
    { type: 'AttemptStarted', attempt_id: first, provider: 'plaid', connection_id, at },
    { type: 'AttemptClaimed', attempt_id: first, at },
    { type: 'AttemptRefused', attempt_id: first, code: 'INSTITUTION_DOWN', message: 'The bank is not there.', at },
    { type: 'SessionHandedOver', code_hash: minted.token_hash, at },
    { type: 'AttemptStarted', attempt_id: second, provider: 'plaid', connection_id, at },
    { type: 'AttemptClaimed', attempt_id: second, at },
    { type: 'AttemptSucceeded', attempt_id: second, connection_id, outcome: 'linked', at },
    { type: 'SessionCompleted', at },
  ];
}
