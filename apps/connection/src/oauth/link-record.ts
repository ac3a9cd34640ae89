import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ConnectLinkEnding, ConnectLinkEvent, ConnectLinkTerms } from '#contracts/connect-link.js';
import type { Context, Position } from '#contracts/envelope.js';
import { idOf, shortIdOf, uuidV5 } from '#contracts/ids.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { readStream } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { connectLink } from './connect-link.decider.js';
import type { Origin, UnderWay } from './link-table.js';

const ENDING = '3c1f0b5e-9a44-5d2e-8b60-6f2d7a8c4e35';
const DEADLINE_MS = 4_000;

/** The stream of each Connect Link, by the hash of its state: what the timeline tells of it (docs/decisions/0011). */
@Injectable()
export class LinkRecord {
  private readonly handle;

  constructor(private readonly store: Store) {
    this.handle = commandHandler(store.client, 'connect_link', connectLink);
  }

  /** Answers what is on record: the first start's, where it comes again. */
  async start(
    context: Context,
    stateHash: string,
    terms: Omit<ConnectLinkTerms, 'id' | 'short_id' | 'project_id' | 'environment'>,
  ): Promise<{ position: Position; expires_at: string }> {
    const { id, short_id } = namesOf(stateHash);
    const now = new Date().toISOString();
    const command = { type: 'StartConnectLink', ...context.tenant, id, short_id, ...terms, now } as const;
    const { decided, position } = await this.handle({ id, command, context, expectNew: true });
    return { position, expires_at: decided.find(isStart)!.expires_at };
  }

  /** May be repeated: the command is named by the link. */
  async end(link: UnderWay, ending: ConnectLinkEnding): Promise<void> {
    const command = { ...ending, now: new Date().toISOString() };
    await this.handle({ id: namesOf(link.stateHash).id, command, context: endingContext(link) });
  }

  /** Does nothing for a state that no link has. */
  async refuseUse(context: Context, stateHash: string): Promise<void> {
    const { id } = namesOf(stateHash);
    const { events } = await readStream<ConnectLinkEvent>(this.store.client, `connect_link-${id}`);
    const first = events[0]?.event;
    if (!first || !isStart(first)) return;
    const { project_id, environment } = first;
    const command = { type: 'RefuseUse', now: new Date().toISOString() } as const;
    await this.handle({ id, command, context: { ...context, tenant: { project_id, environment } } });
  }
}

type Start = Extract<ConnectLinkEvent, { type: 'ConnectLinkStarted' }>;

const isStart = (event: ConnectLinkEvent): event is Start => event.type === 'ConnectLinkStarted';

function namesOf(stateHash: string): { id: string; short_id: string } {
  const short_id = shortIdOf(stateHash);
  return { id: idOf('connect_link', short_id), short_id };
}

const endingContext = ({ stateHash, link, returned }: UnderWay): Context => ({
  ...(returned ?? sweeper()),
  tenant: link.tenant,
  command_id: uuidV5(ENDING, stateHash),
  deadline: Date.now() + DEADLINE_MS,
});

/** Ends links that nobody came back with. */
const sweeper = (): Origin => ({
  actor: { type: 'system', id: 'expiry', name: 'expiry sweep' },
  request_id: randomUUID(),
  address: null,
  key_prefix: null,
});
