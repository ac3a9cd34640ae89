import { type HmacServer, type JwtServer } from './entry.js';

/** What the catalog says of a server whose credentials can be tried. */
export interface TriedEntry {
  id: string;
  name: string;
  base_url: string;
  validation: { method: 'GET'; path: string };
}

/**
 * The read of a `hmac_signed` server, signed as Foxbit wants it (and the sandbox like Foxbit): milliseconds, method, path,
 * query and body in one, in hex. Source: https://docs.foxbit.com.br/rest/v3/.
 */
export const hmacServer = ({ id, name, base_url, validation }: TriedEntry, sandbox: boolean): HmacServer => ({
  ...{ id, name, base_url, sandbox },
  validate: {
    ...validation,
    scheme: 'hmac',
    prehash: '{timestamp}{method}{path}{query}{body}',
    timestamp: 'ms',
    encoding: 'hex',
    headers: {
      'X-FB-ACCESS-KEY': '{access_key}',
      'X-FB-ACCESS-TIMESTAMP': '{timestamp}',
      'X-FB-ACCESS-SIGNATURE': '{signature}',
    },
    signing_secret: 'secret',
  },
});

/**
 * The read of a `jwt_ecdsa` server, with a token as Coinbase's platform wants it.
 * Source: https://docs.cdp.coinbase.com/get-started/authentication/jwt-authentication.
 */
export const jwtServer = ({ id, name, base_url, validation }: TriedEntry, sandbox: boolean): JwtServer => ({
  ...{ id, name, base_url, sandbox },
  validate: {
    ...validation,
    scheme: 'jwt',
    issuer: 'cdp',
    uri_claim: true,
    ttl_seconds: 120,
    key_name_secret: 'key_name',
    private_key_secret: 'private_key',
  },
});
