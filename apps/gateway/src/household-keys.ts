import { Inject, Injectable } from '@nestjs/common';
import type { CreateKeyBody } from '#contracts/api/api-keys.js';
import type { Context } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import type { KeyView } from '#contracts/key.js';
import { keyIdentity, newHouseholdKey, type Random } from '#contracts/secrets.js';
import { Services } from './services.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** A key and the only moment at which its text is known. */
export interface FreshKey {
  view: KeyView;
  plaintext_key: string;
}

/** Makes household keys, for the API and for the dashboard. */
@Injectable()
export class HouseholdKeys {
  constructor(@Inject(Services) private readonly services: Services) {}

  create(context: Context, random: Random, wish: CreateKeyBody): Promise<FreshKey> {
    const { name, scope, expires_in_days, actor_name, allowed_ips } = wish;
    const expires_at = inDays(expires_in_days);
    return withFreshId(async () => {
      const plaintext_key = newHouseholdKey(random);
      const terms = {
        ...context.tenant,
        ...keyIdentity(plaintext_key),
        kind: 'household' as const,
        name,
        scopes: [scope],
        actor_name,
        allowed_ips,
        created_by: context.actor.name,
        expires_at,
      };
      const { view } = await this.services.write('key.create', { context, terms });
      return { view, plaintext_key };
    });
  }

  rotate(context: Context, random: Random, wish: { id: string; grace_seconds: number }): Promise<FreshKey> {
    return withFreshId(async () => {
      const plaintext_key = newHouseholdKey(random);
      const successor = keyIdentity(plaintext_key);
      const { view } = await this.services.write('key.rotate', { context, ...wish, successor });
      return { view, plaintext_key };
    });
  }
}

/** Null is never. */
export const inDays = (days: number | null): string | null =>
  days === null ? null : new Date(Date.now() + days * DAY_MS).toISOString();
