import { createHash, createHmac, createPrivateKey, randomUUID, sign } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type BankConfig } from './config.js';
import { type Item, type Ledger } from './ledger.js';

const RETRY_DELAYS_MS = [250, 500, 1000, 2000, 4000, 8000];
const ANSWER_TIMEOUT_MS = 5000;

export interface Webhooks {
  /** Signs and sends one of Plaid's webhooks about an item; does not wait for the answer. */
  plaid(item: Item, event: { type: string; code: string; error: object | null }): void;
  /** Signs and sends Teller's `enrollment.disconnected`; does not wait for the answer. */
  tellerDisconnected(enrollment: Item, reason: string): void;
  /** Gives up on everything under way. */
  close(): void;
}

export function webhooks(ledger: Ledger, config: BankConfig): Webhooks {
  const closing = new AbortController();
  const send = (url: string | null, body: string, signature: Record<string, string>): void => {
    if (url) void deliver({ url, body, signature, signal: closing.signal });
  };
  return {
    plaid(item, { type, code, error }) {
      const body = JSON.stringify({
        webhook_type: type,
        webhook_code: code,
        item_id: item.id,
        error,
        environment: 'sandbox',
      });
      send(item.webhook, body, { 'plaid-verification': plaidSignature(ledger, body) });
    },
    tellerDisconnected(enrollment, reason) {
      const body = JSON.stringify({
        id: `wh_${randomUUID()}`,
        payload: { enrollment_id: enrollment.id, reason },
        timestamp: new Date().toISOString(),
        type: 'enrollment.disconnected',
      });
      const signature = tellerSignature(config.teller.signingSecret, body);
      send(enrollment.webhook ?? config.teller.webhookUrl, body, { 'teller-signature': signature });
    },
    close: () => closing.abort(),
  };
}

/**
 * Sends until the receiver answers 2xx, with growing pauses. All tries carry the same signature, because a receiver tells
 * a repeat from a second webhook by it, and all of them fit into the minutes for which a signature is good.
 */
async function deliver(webhook: {
  url: string;
  body: string;
  signature: Record<string, string>;
  signal: AbortSignal;
}): Promise<void> {
  for (const pause of [...RETRY_DELAYS_MS, null]) {
    if (webhook.signal.aborted || (await wasAccepted(webhook)) || pause === null) return;
    await delay(pause, undefined, { ref: false, signal: webhook.signal }).catch(() => undefined);
  }
}

async function wasAccepted(webhook: Parameters<typeof deliver>[0]): Promise<boolean> {
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...webhook.signature },
      body: webhook.body,
      redirect: 'manual',
      signal: AbortSignal.any([webhook.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** An ES256 JWT whose payload holds the time and the hash of the body. */
function plaidSignature({ bank }: Ledger, body: string): string {
  const header = encoded({ alg: 'ES256', kid: bank.signingKeyId, typ: 'JWT' });
  const payload = encoded({
    iat: Math.floor(Date.now() / 1000),
    request_body_sha256: createHash('sha256').update(body).digest('hex'),
  });
  const key = createPrivateKey({ key: bank.signingKey, format: 'jwk' });
  const signature = sign('sha256', Buffer.from(`${header}.${payload}`), { key, dsaEncoding: 'ieee-p1363' });
  return `${header}.${payload}.${signature.toString('base64url')}`;
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function tellerSignature(secret: string, body: string): string {
  const time = Math.floor(Date.now() / 1000);
  return `t=${time},v1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`;
}
