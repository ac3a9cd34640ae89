import type { CredentialVerdict, refusals } from '#contracts/api/credential-checks.js';

/** What of a catalog entry is needed to try a credential. */
export interface ValidatedServer {
  id: string;
  name: string;
  base_url: string;
  /** The entry is of the sandbox and may be on this machine. */
  sandbox: boolean;
}

export interface HmacServer extends ValidatedServer {
  validate: HmacRead;
}

export interface JwtServer extends ValidatedServer {
  validate: JwtRead;
}

/**
 * A read signed with HMAC-SHA256. In `prehash` and the values of `headers` these stand for what they name: {timestamp},
 * {method}, {path}, {query}, {body}, and each declared secret; {signature} in headers only. {path} is the whole path of the
 * address and {query} comes without its question mark. Foxbit: prehash `{timestamp}{method}{path}{query}{body}`, hex, ms.
 */
export interface HmacRead {
  scheme: 'hmac';
  method: 'GET' | 'POST';
  path: string;
  prehash: string;
  timestamp: 'ms' | 's' | 'iso';
  encoding: 'hex' | 'base64';
  headers: Record<string, string>;
  /** The declared secret that signs. */
  signing_secret: string;
}

/**
 * A read with an ES256 JWT as its bearer token, signed with an EC P-256 key in PEM. `issuer` is "cdp" at Coinbase; its
 * tokens hold `uri` ("GET host/path") and live two minutes.
 */
export interface JwtRead {
  scheme: 'jwt';
  method: 'GET' | 'POST';
  path: string;
  issuer: string;
  audience?: string;
  /** Whether the token names the one request it is good for, in a claim `uri`. */
  uri_claim: boolean;
  ttl_seconds: number;
  /** The declared secrets that hold the key's name and the key. */
  key_name_secret: string;
  private_key_secret: string;
}

export type Verdict = CredentialVerdict;
export type Refusal = (typeof refusals)[number];
