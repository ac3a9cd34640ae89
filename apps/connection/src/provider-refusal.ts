import { DomainError } from '#contracts/errors.js';
import { ProviderError } from './providers/provider.js';

/** Says what a provider answered, or that it did not, in the words of our own callers. */
export function refusedByProvider(error: unknown): never {
  if (!(error instanceof ProviderError)) throw error;
  if (error.retryable) throw new DomainError('UNAVAILABLE', 'The provider does not answer; try again.');
  throw new DomainError('PROVIDER_ERROR', error.message, { code: error.code });
}
