import type { Context } from '#contracts/envelope.js';
import { DomainError, type ErrorCode } from '#contracts/errors.js';
import { isWithin } from '#contracts/ip-range.js';
import { type KeyScope, type PlatformScope, platformScopes, type VerifiedKey } from '#contracts/key.js';

/** What a caller must hold: nothing, any valid key, a key that may change things, or one scope of the platform. */
export type Access = 'public' | 'any' | 'full_access' | PlatformScope;

const reads: readonly KeyScope[] = platformScopes.filter((scope) => scope.endsWith(':read'));

/** A household key on the platform: full_access is every scope, read_only the reads. */
export function scopesOf({ scopes }: Pick<VerifiedKey, 'scopes'>): readonly KeyScope[] {
  if (scopes.includes('full_access')) return platformScopes;
  return scopes.includes('read_only') ? reads : scopes;
}

/**
 * Why this key is not accepted; null when it is. Revoked, at the end of its grace and expired are decided at each use,
 * also of a key that was verified a while ago.
 */
export function refusalOf(key: VerifiedKey | null): ErrorCode | null {
  if (key === null) return 'INVALID_API_KEY';
  if (key.revoked_at !== null || isOver(key.retires_at)) return 'REVOKED_API_KEY';
  return isOver(key.expires_at) ? 'EXPIRED_API_KEY' : null;
}

const isOver = (end: string | null): boolean => end !== null && Date.parse(end) <= Date.now();

/** Made once for each key that the gateway remembers. */
const ranges = new WeakMap<VerifiedKey, (address: string) => boolean>();

export function mayComeFrom(key: VerifiedKey, address: string): boolean {
  if (key.allowed_ips.length === 0) return true;
  const allowed = ranges.get(key) ?? isWithin(key.allowed_ips);
  ranges.set(key, allowed);
  return allowed(address);
}

export function requireAccess(key: VerifiedKey, access: Access): void {
  if (access === 'public' || access === 'any') return;
  const held = access === 'full_access' ? key.scopes : scopesOf(key);
  if (!held.includes(access)) throw new DomainError('FORBIDDEN', `This needs the scope ${access}.`);
}

/** For what is the same in both environments, or belongs to the whole installation. */
export function refuseTest({ tenant }: Context): void {
  if (tenant.environment === 'test')
    throw new DomainError('FORBIDDEN', 'A test key changes nothing that holds for live.');
}
