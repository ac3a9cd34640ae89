import { Inject, Injectable } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import { Bus } from '#service/bus.js';

const REMEMBERED = 10_000;
const TRUSTED_MS = 60_000;

/**
 * Which users exist, as the connection service says. A yes is remembered for a minute, or until the user is deleted, so
 * that minting asks once per user and not once per session. The connection service says so on the bus before it answers
 * the deletion; whoever misses that hears it a moment later from the user's own stream.
 */
@Injectable()
export class KnownUsers {
  private readonly trustedUntil = new Map<string, number>();
  /** No id comes again: a yes that was on its way while the user was deleted is none. */
  private readonly deleted = new Set<string>();

  constructor(@Inject(Bus) private readonly bus: Bus) {
    bus.listen('link-session.user-deleted', ({ user_id }) => this.forget(user_id));
  }

  async exists(context: Context, id: string): Promise<boolean> {
    const { project_id, environment } = context.tenant;
    const name = `${id}/${project_id}/${environment}`;
    if ((this.trustedUntil.get(name) ?? 0) > Date.now()) return true;
    if (!(await this.bus.ask('connection.user.exists', { context, id })) || this.deleted.has(id)) return false;
    if (this.trustedUntil.size >= REMEMBERED) this.trustedUntil.clear();
    this.trustedUntil.set(name, Date.now() + TRUSTED_MS);
    return true;
  }

  forget(userId: string): void {
    if (this.deleted.size >= REMEMBERED) this.deleted.clear();
    this.deleted.add(userId);
    for (const name of this.trustedUntil.keys()) if (name.startsWith(userId)) this.trustedUntil.delete(name);
  }
}
