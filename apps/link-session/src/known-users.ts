import { Injectable } from '@nestjs/common';
import type { Context } from '#contracts/envelope.js';
import { Bus } from '#service/bus.js';

const REMEMBERED = 10_000;
const TRUSTED_MS = 60_000;

/**
 * Which users exist, as the connection service says. A yes is remembered for a minute, or until the user's own
 * stream says that it was deleted, so that minting asks once per user and not once per session.
 */
@Injectable()
export class KnownUsers {
  private readonly trustedUntil = new Map<string, number>();

  constructor(private readonly bus: Bus) {}

  async exists(context: Context, id: string): Promise<boolean> {
    const { project_id, environment } = context.tenant;
    const name = `${id}/${project_id}/${environment}`;
    if ((this.trustedUntil.get(name) ?? 0) > Date.now()) return true;
    if (!(await this.bus.ask('connection.user.exists', { context, id }))) return false;
    if (this.trustedUntil.size >= REMEMBERED) this.trustedUntil.clear();
    this.trustedUntil.set(name, Date.now() + TRUSTED_MS);
    return true;
  }

  forget(userId: string): void {
    for (const name of this.trustedUntil.keys()) if (name.startsWith(userId)) this.trustedUntil.delete(name);
  }
}
