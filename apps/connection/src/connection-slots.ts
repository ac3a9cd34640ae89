import { Injectable } from '@nestjs/common';
import type { ConnectionPlace } from '#contracts/connection.js';
import type { SlotEvent } from '#contracts/connection-slot.js';
import type { Context } from '#contracts/envelope.js';
import { idOf, sha256, uuidV5 } from '#contracts/ids.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { readFacts } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { connectionSlot } from './connection-slot.decider.js';
import { Connections } from './connections.service.js';

/**
 * Keeps to one live connection per place. The slot names the connection's id before it exists, so of two callers who
 * come first at the same moment both write to one stream: one creates, the other rotates.
 */
@Injectable()
export class ConnectionSlots {
  private readonly handle;

  constructor(
    private readonly store: Store,
    private readonly connections: Connections,
  ) {
    this.handle = commandHandler(store.client, 'connection_slot', connectionSlot);
  }

  /**
   * The short_id of the connection that stands here, with the version of its credential, or of the one to be made; `isNew`
   * when this call has claimed it.
   */
  async take(
    place: ConnectionPlace,
    candidate: string,
    context: Context,
  ): Promise<{ short_id: string; isNew: boolean; version: number }> {
    const id = slotId(place);
    const holder = (await this.holders(place)).at(-1);
    const version = holder === undefined ? null : await this.connections.versionAt(place, idOf('connection', holder));
    if (holder !== undefined && version !== null) return { short_id: holder, isNew: false, version };
    const command = { type: 'ClaimSlot', short_id: candidate, ...(holder && { evict: holder }) } as const;
    const handled = await this.handle({ id, command, context, expectNew: holder === undefined });
    const isNew = handled.decided.length > 0 && !handled.repeated;
    return { short_id: handled.events.at(-1)!.short_id, isNew, version: 0 };
  }

  /** The short_ids of all connections that stood here, the last of which may stand here still. */
  async holders(place: ConnectionPlace): Promise<string[]> {
    const claims = await readFacts<SlotEvent>(this.store.client, `connection_slot-${slotId(place)}`);
    return claims.map(({ short_id }) => short_id);
  }
}

/** Names of users stand in no stream's name. */
const slotId = ({ project_id, environment, server_id, user_id }: ConnectionPlace): string =>
  uuidV5('5d0b7a52-6f5e-5f43-9c0c-0f3a6e2b8d71', sha256(JSON.stringify([project_id, environment, server_id, user_id])));
