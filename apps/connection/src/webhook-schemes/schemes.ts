import type { Server } from '#contracts/api/servers.js';
import { basic } from './basic.js';
import { github } from './github.js';
import { hexHmac } from './hex-hmac.js';
import { mercadopago } from './mercadopago.js';
import { plaid } from './plaid.js';
import { type WebhookScheme } from './scheme.js';
import { staticToken } from './static-token.js';
import { stripe } from './stripe.js';
import { teller } from './teller.js';

/**
 * How a server's webhooks are proved, as its catalog entry says. `verifyPlaid` is needed for plaid alone; without it a
 * delivery of Plaid is never genuine.
 */
export function webhookScheme(
  { scheme, header }: NonNullable<Server['webhook']>,
  verifyPlaid?: WebhookScheme,
): WebhookScheme {
  switch (scheme) {
    case 'static-token':
      return staticToken(header);
    case 'hmac-hex':
      return hexHmac(header);
    case 'plaid':
      return plaid(verifyPlaid ?? (() => Promise.resolve(null)));
    case 'stripe':
    case 'mercadopago':
    case 'github':
    case 'basic':
    case 'teller':
      return fixed[scheme];
  }
}

const fixed = { stripe, mercadopago, github, basic, teller };
