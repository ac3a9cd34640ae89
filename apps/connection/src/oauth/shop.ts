import { createHmac, timingSafeEqual } from 'node:crypto';
import { DomainError } from '#contracts/errors.js';
import type { OAuthClient } from './client.js';

/** The client at one shop: at Shopify each shop has addresses of its own. */
export function atShop(client: OAuthClient, shop: string | null): OAuthClient {
  if (!client.authorizeUrl.includes('{shop}')) return client;
  if (shop === null) {
    const message = 'shop is required for this server';
    throw new DomainError('VALIDATION_ERROR', message, { issues: [{ field: 'shop', message }] });
  }
  const placed = (address: string): string => address.replaceAll('{shop}', shop);
  return { ...client, authorizeUrl: placed(client.authorizeUrl), tokenUrl: placed(client.tokenUrl) };
}

/**
 * Whether Shopify has signed these parameters: HMAC-SHA256 in hex over all but `hmac`, sorted, with the application's secret.
 * Source: https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant.
 */
export function isSignedByShopify(parameters: Readonly<Record<string, unknown>>, clientSecret: string): boolean {
  const { hmac, ...signed } = parameters;
  if (typeof hmac !== 'string' || !/^[0-9a-f]{64}$/.test(hmac)) return false;
  const names = Object.keys(signed).sort();
  if (!names.every((name) => typeof signed[name] === 'string')) return false;
  const message = names.map((name) => `${name}=${signed[name] as string}`).join('&');
  const expected = createHmac('sha256', clientSecret).update(message).digest();
  return timingSafeEqual(Buffer.from(hmac, 'hex'), expected);
}
