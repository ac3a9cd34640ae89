import {
  anyEqual,
  type Delivery,
  eventId,
  factOf,
  fieldsOf,
  hexDigest,
  hmacs,
  pairsOf,
  type WebhookScheme,
} from './scheme.js';

/**
 * `x-signature: ts=<time>,v1=<hex>`: HMAC-SHA256 over the manifest `id:<data.id>;request-id:<x-request-id>;ts:<ts>;`, where
 * a part that the delivery does not have is left out. It covers neither the rest of the body nor a deadline, so a delivery
 * of Mercado Pago tells to look something up and changes no state by itself. The manifest names it: under other ids in the
 * body, whoever has got hold of one could make as many of it as they like.
 * Source: https://www.mercadopago.com.br/developers/en/docs/your-integrations/notifications/webhooks.
 */
export const mercadopago: WebhookScheme = (delivery) => {
  const { headers, secrets } = delivery;
  const pairs = pairsOf(headers['x-signature']) ?? [];
  const { ts, v1 } = Object.fromEntries(pairs);
  const signature = hexDigest(v1);
  const dataId = signedDataId(delivery);
  if (pairs.length !== 2 || !signature || !/^\d{1,16}$/.test(ts ?? '') || dataId === null) return Promise.resolve(null);

  const requestId = headers['x-request-id'];
  const manifest = [dataId && `id:${dataId};`, requestId && `request-id:${requestId};`, `ts:${ts};`].join('');
  if (!anyEqual([signature], hmacs(secrets, manifest))) return Promise.resolve(null);
  const fact = factOf(delivery, '', { typeFields: ['action', 'type', 'topic'] });
  return Promise.resolve({ ...fact, deliveryId: eventId(manifest)!, account: accountOf(delivery) });
};

/** The seller. An application has one address for all of them, unless a payment names another one. */
function accountOf({ body }: Delivery): string {
  const user_id = String(fieldsOf(body).user_id);
  return /^\d{1,20}$/.test(user_id) ? user_id : '';
}

/** `data.id` of the address, else of the body; "" without one, and null when the two contradict each other. */
function signedDataId({ body, query }: Delivery): string | null {
  const data = fieldsOf(body).data as { id?: unknown } | null | undefined;
  const id = typeof data?.id === 'string' || typeof data?.id === 'number' ? String(data.id).toLowerCase() : '';
  const asked = query?.['data.id']?.toLowerCase();
  if (asked && id !== '' && asked !== id) return null;
  return asked ?? id;
}
