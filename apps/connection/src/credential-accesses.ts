import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ConnectionCommand, ConnectionView, CredentialPurpose } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { Conflict } from '#eventstore/append.js';
import type { BatchCommand } from '#eventstore/batch-handler.js';
import { BatchQueue, takeUpTo, type Waiting } from '#service/batch-queue.js';
import { KnownConnections } from './known-connections.js';

const ATTEMPTS = 10;
const MOST_AT_ONCE = 64;

interface Access {
  purpose: CredentialPurpose;
  context: Context;
}

/**
 * Puts openings of credentials on record. What is remembered of a connection saves the read: the record is appended at
 * the revision that was remembered, so it stands only if nothing has happened since. Each opening is a fact of its own,
 * also the repeated one; those of one connection that wait at the same moment share an append.
 */
@Injectable()
export class CredentialAccesses {
  private readonly queue = new BatchQueue<Access, ConnectionView>(takeUpTo(MOST_AT_ONCE), (id, batch) =>
    this.together(id, batch),
  );

  constructor(private readonly known: KnownConnections) {}

  /** The connection at the moment of the record. */
  record(id: string, access: Access): Promise<ConnectionView> {
    return this.queue.add(id, access);
  }

  private async together(id: string, batch: Waiting<Access, ConnectionView>[]): Promise<void> {
    let known = await this.known.get(id);
    for (let attempt = 1; ; attempt++) {
      if (!known) throw new DomainError('NOT_FOUND', 'Connection not found');
      const { view } = known;
      try {
        await this.known.append(id, known, batch.map(commandOf));
        return batch.forEach(({ answer }) => answer(view));
      } catch (error) {
        const before = known;
        known = await this.known.now(id);
        // What is only remembered must refuse nobody.
        const isConflict = error instanceof Conflict;
        if (!isConflict && known === before) throw error;
        if (attempt === ATTEMPTS) throw isConflict ? new DomainError('UNAVAILABLE', CROWDED) : error;
      }
    }
  }
}

const CROWDED = 'Too much happens to this connection at once; try again.';

const commandOf = ({ purpose, context }: Access): BatchCommand<ConnectionCommand> => ({
  command: { type: 'AccessCredential', purpose, now: new Date().toISOString() },
  context: { ...context, command_id: randomUUID() },
});
