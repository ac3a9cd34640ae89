import { plaidProvider, type PlaidConfig, type PlaidProvider } from './plaid.js';
import { type Provider } from './provider.js';
import { tellerProvider, type TellerConfig } from './teller.js';

export interface ProviderConfig {
  plaid?: PlaidConfig;
  teller?: TellerConfig;
}

/** The providers that are configured, and no others. Throws when a client certificate cannot be read. */
export function providersFrom(config: ProviderConfig): { plaid?: PlaidProvider; teller?: Provider } {
  return {
    ...(config.plaid && { plaid: plaidProvider(config.plaid) }),
    ...(config.teller && { teller: tellerProvider(config.teller) }),
  };
}
