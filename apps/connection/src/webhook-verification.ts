import { Injectable } from '@nestjs/common';
import { DomainError } from '#contracts/errors.js';
import type { InboundDelivery } from '#contracts/webhook.js';
import { Catalog } from './catalog/catalog.js';
import { ConfiguredProviders } from './configured-providers.js';
import { connectionEnv } from './connection-env.js';
import { CredentialStorage } from './credential-storage.js';
import { ProviderError, type WebhookFact } from './providers/provider.js';
import type { WebhookScheme } from './webhook-schemes/scheme.js';
import { webhookScheme } from './webhook-schemes/schemes.js';

/** Whether a delivery is genuine, by the scheme that the catalog names for its server. */
@Injectable()
export class WebhookVerification {
  private readonly schemes = new Map<string, WebhookScheme | null>();

  constructor(
    private readonly catalog: Catalog,
    private readonly providers: ConfiguredProviders,
    private readonly storage: CredentialStorage,
  ) {}

  /** The delivery as the gateway has sealed it. */
  open(sealed: string): InboundDelivery {
    return JSON.parse(this.storage.unseal(sealed)) as InboundDelivery;
  }

  nameOf(server_id: string): string {
    return this.catalog.find(server_id)?.name ?? server_id;
  }

  /** Whether it is known how this server signs. */
  takes(server_id: string): boolean {
    return this.schemeOf(server_id) !== null;
  }

  /** Whether the whole application has one address at this server. Every other one is told an address for each connection. */
  hasOneAddress(server_id: string): boolean {
    return this.catalog.find(server_id)?.webhook?.scheme === 'teller';
  }

  /** Null for what is not genuine. `secrets` are those of the connection; Plaid and Teller have their own besides. */
  async factOf(server_id: string, delivery: InboundDelivery, secrets: string[]): Promise<WebhookFact | null> {
    const scheme = this.schemeOf(server_id);
    if (!scheme) return null;
    const { headers, query } = delivery;
    const { TELLER_SIGNING_SECRET: ofTeller } = connectionEnv;
    const all = server_id === 'teller' && ofTeller ? [ofTeller, ...secrets] : secrets;
    try {
      return await scheme({
        headers,
        query,
        body: Buffer.from(delivery.body, 'base64'),
        secrets: all,
        now: new Date(),
      });
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      throw new DomainError('UNAVAILABLE', 'The delivery could not be verified right now; deliver it again.');
    }
  }

  private schemeOf(server_id: string): WebhookScheme | null {
    const known = this.schemes.get(server_id);
    if (known !== undefined) return known;
    const webhook = this.catalog.find(server_id)?.webhook;
    if (!webhook) return null;
    const scheme = webhookScheme(webhook, this.providers.verifyPlaid);
    this.schemes.set(server_id, scheme);
    return scheme;
  }
}
