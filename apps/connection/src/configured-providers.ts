import { Injectable } from '@nestjs/common';
import { DomainError } from '#contracts/errors.js';
import type { ProviderName } from '#contracts/link-session.js';
import { providerConfig } from './connection-env.js';
import type { PlaidVerifier } from './providers/plaid-webhook.js';
import type { Provider } from './providers/provider.js';
import { providersFrom } from './providers/providers.js';

/** The providers this installation has credentials for. */
@Injectable()
export class ConfiguredProviders {
  private readonly providers = providersFrom(providerConfig);

  names(): ProviderName[] {
    return Object.keys(this.providers) as ProviderName[];
  }

  /** Undefined when Plaid is not set up. */
  get verifyPlaid(): PlaidVerifier | undefined {
    return this.providers.plaid?.verifyWebhook;
  }

  /** Null when it is not set up (any more). */
  find(name: ProviderName): Provider | null {
    return this.providers[name] ?? null;
  }

  get(name: ProviderName): Provider {
    const provider = this.find(name);
    if (!provider) throw new DomainError('FORBIDDEN', `${name} is not set up in this installation.`);
    return provider;
  }
}
