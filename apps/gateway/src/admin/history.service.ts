import { Injectable } from '@nestjs/common';
import type { AuditEntry } from '#contracts/audit.js';
import type { Context } from '#contracts/envelope.js';
import { Services } from '../services.js';

const MOST = 100;

/** What has happened to one thing, newest first. */
@Injectable()
export class History {
  constructor(private readonly services: Services) {}

  /** A timeline that is away for a moment takes nothing else of the page with it. `whole` leads to all of what is too long here. */
  async of(context: Context, subject: string): Promise<{ entries: AuditEntry[] | null; whole: string | null }> {
    try {
      const filter = { subject, limit: MOST };
      const { items, next_cursor } = await this.services.read('audit.list', { context, filter });
      return { entries: items, whole: next_cursor === null ? null : `/admin/timeline?subject=${subject}` };
    } catch {
      return { entries: null, whole: null };
    }
  }
}
