import { anyEqual, factOf, hexDigest, hmacs, type WebhookScheme } from './scheme.js';

/** HMAC-SHA256 of the body in lower-case hex, in a header whose name the catalog gives. */
export function hexHmac(header: string): WebhookScheme {
  const name = header.toLowerCase();
  return (delivery) => {
    const signature = hexDigest(delivery.headers[name]);
    const genuine = signature && anyEqual([signature], hmacs(delivery.secrets, delivery.body));
    return Promise.resolve(genuine ? factOf(delivery, delivery.headers[name]!) : null);
  };
}
