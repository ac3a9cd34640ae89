import { Injectable } from '@nestjs/common';
import { type Context, systemContext } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { userDeleted } from '#contracts/link-session.js';
import { type Recorded, streamIdOf } from '#eventstore/recorded.js';
import { logger } from '#service/logger.js';
import { SessionQueries } from './session-queries.js';
import { Sessions } from './sessions.service.js';

/** Ends the open links of a user who was deleted: whatever they led to would belong to nobody. */
@Injectable()
export class LinksOfDeletedUsers {
  constructor(
    private readonly sessions: Sessions,
    private readonly queries: SessionQueries,
  ) {}

  /**
   * Each replica tries once, by the same command. A link that is left open by a failure, or because an attempt is being
   * finished, ends when it is used next, or with its time.
   */
  async end(deletion: Recorded): Promise<void> {
    try {
      const open = await this.queries.openOf(deletion.metadata, streamIdOf(deletion.stream));
      for (const { id } of open) await this.fail(id, deletion);
    } catch (error) {
      logger.warn({ error: String(error) }, 'links of a deleted user were left open');
    }
  }

  private async fail(id: string, deletion: Recorded): Promise<void> {
    const { code, message } = userDeleted;
    const now = new Date().toISOString();
    const command = { type: 'FailSession' as const, error_code: code, error_message: message, now };
    await this.sessions.command(id, command, contextOf(deletion)).catch((error: unknown) => {
      if (!(error instanceof DomainError) || error.code !== 'INVALID_STATE') throw error;
    });
  }
}

const contextOf = ({ id, metadata }: Recorded): Context => ({
  ...systemContext(metadata, { id: 'deleted-users', name: 'deletion of the user' }),
  request_id: metadata.request_id,
  command_id: id,
});
