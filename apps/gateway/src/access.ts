import { DomainError } from '#contracts/errors.js';
import { type KeyScope, type PlatformScope, platformScopes, type VerifiedKey } from '#contracts/key.js';

/** What a caller must hold: nothing, any valid key, a key that may change things, or one scope of the platform. */
export type Access = 'public' | 'any' | 'full_access' | PlatformScope;

const reads: readonly KeyScope[] = platformScopes.filter((scope) => scope.endsWith(':read'));

/** A household key on the platform: full_access is every scope, read_only the reads. */
export function scopesOf({ scopes }: Pick<VerifiedKey, 'scopes'>): readonly KeyScope[] {
  if (scopes.includes('full_access')) return platformScopes;
  return scopes.includes('read_only') ? reads : scopes;
}

/** Revoked and expired are decided at each use, also of a key that was verified a while ago. */
export function requireLive(key: VerifiedKey | null): VerifiedKey {
  if (key === null) throw new DomainError('INVALID_API_KEY');
  if (key.revoked_at !== null) throw new DomainError('REVOKED_API_KEY');
  if (key.expires_at !== null && Date.parse(key.expires_at) <= Date.now()) throw new DomainError('EXPIRED_API_KEY');
  return key;
}

export function requireAccess(key: VerifiedKey, access: Access): void {
  if (access === 'public' || access === 'any') return;
  const held = access === 'full_access' ? key.scopes : scopesOf(key);
  if (!held.includes(access)) throw new DomainError('FORBIDDEN', `This needs the scope ${access}.`);
}
