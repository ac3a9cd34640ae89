import { type Provider } from '../providers/provider.js';
import { asaas } from './asaas.js';
import { basic } from './basic.js';
import { github } from './github.js';
import { hexHmac } from './hex-hmac.js';
import { mercadopago } from './mercadopago.js';
import { plaid } from './plaid.js';
import { type EventNames, type WebhookScheme } from './scheme.js';
import { stripe } from './stripe.js';
import { teller } from './teller.js';

/** How a server's webhooks are proved, as its catalog entry says. */
export type WebhookSetting =
  | { scheme: 'stripe' | 'mercadopago' | 'asaas' | 'github' | 'plaid' | 'teller' }
  | { scheme: 'hmac'; header: string; event?: EventNames }
  | { scheme: 'basic'; event?: EventNames };

/** `verifyPlaid` is needed for plaid alone; without it a delivery of Plaid is never genuine. */
export function webhookScheme(setting: WebhookSetting, verifyPlaid?: Provider['verifyWebhook']): WebhookScheme {
  switch (setting.scheme) {
    case 'hmac':
      return hexHmac(setting.header, setting.event ?? commonNames);
    case 'basic':
      return basic(setting.event ?? commonNames);
    case 'plaid':
      return plaid(verifyPlaid ?? (() => Promise.resolve(null)));
    case 'stripe':
    case 'mercadopago':
    case 'asaas':
    case 'github':
    case 'teller':
      return fixed[setting.scheme];
  }
}

const fixed = { stripe, mercadopago, asaas, github, teller };

/** `event_id` can only be an event; a bare `id` may be the thing it is about, so the catalog must name it. */
const commonNames: EventNames = { idField: 'event_id', typeFields: ['type', 'event'] };
