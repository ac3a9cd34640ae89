import { createHash, randomBytes } from 'node:crypto';

export interface Pkce {
  /** Stays with us until the code is exchanged. */
  verifier: string;
  /** Travels in the authorize address; the method is S256. */
  challenge: string;
}

/** A new pair after RFC 7636: 256 random bits as 43 characters. */
export function newPkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}
