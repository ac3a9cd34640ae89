import { Inject, Injectable } from '@nestjs/common';
import type { Context, Tenant } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import type { KeyScope } from '#contracts/key.js';
import { keyIdentity, newPlatformKey, type Random } from '#contracts/secrets.js';
import { type FreshKey, inDays } from './household-keys.js';
import { Services } from './services.js';

export interface PlatformKeyWish {
  tenant: Tenant;
  name: string;
  scopes: readonly KeyScope[];
  expires_in_days: number | null;
}

/** Makes platform keys, for the API and for the dashboard. What their maker may grant is asked before. */
@Injectable()
export class PlatformKeys {
  constructor(@Inject(Services) private readonly services: Services) {}

  create(context: Context, random: Random, wish: PlatformKeyWish): Promise<FreshKey> {
    const { tenant, name, scopes, expires_in_days } = wish;
    const expires_at = inDays(expires_in_days);
    return withFreshId(async () => {
      const plaintext_key = newPlatformKey(tenant.environment, random);
      const terms = {
        ...tenant,
        ...keyIdentity(plaintext_key),
        kind: 'platform' as const,
        name,
        scopes: [...scopes],
        actor_name: null,
        created_by: context.actor.name,
        expires_at,
      };
      const { view } = await this.services.write('key.create', { context, terms });
      return { view, plaintext_key };
    });
  }
}
