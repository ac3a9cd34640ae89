import { createHash } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { type BankConnection, isBank } from '#contracts/connection.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { ConfiguredProviders } from './configured-providers.js';
import { ConnectionQueries } from './connection-queries.js';
import { Connections } from './connections.service.js';
import { ProviderError, type WebhookFact } from './providers/provider.js';

type Webhook = Ask<'connection.webhook'>;

/** Deliveries of the hosted banks. Everything that is not genuine is refused alike. */
@Controller()
export class WebhookController {
  constructor(
    private readonly providers: ConfiguredProviders,
    private readonly connections: Connections,
    private readonly queries: ConnectionQueries,
  ) {}

  @MessagePattern('connection.webhook')
  async receive(@Payload() ask: Webhook): Promise<Reply<'connection.webhook'>> {
    const body = Buffer.from(ask.body, 'base64');
    const fact = await this.verified(ask, body);
    const connection = await this.meant(ask, fact);
    const now = new Date().toISOString();
    const sha256 = createHash('sha256').update(body).digest('hex');
    const { deliveryId: delivery_id, type: kind, code, effect } = fact;
    const delivery = { delivery_id, kind, code, size: body.length, sha256 };
    const context = providerContext(ask, connection);
    const command = { type: 'ReceiveWebhook', delivery, effect, now } as const;
    const { decided } = await this.connections.command(connection.id, command, context);
    return { accepted: true, duplicate: decided.length === 0 };
  }

  private async verified({ provider, headers }: Webhook, body: Buffer): Promise<WebhookFact> {
    if (!this.providers.names().includes(provider)) throw new DomainError('INVALID_SIGNATURE');
    try {
      const fact = await this.providers.get(provider).verifyWebhook({ headers, body, now: new Date() });
      if (fact) return fact;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      throw new DomainError('UNAVAILABLE', 'The delivery could not be verified right now; deliver it again.');
    }
    throw new DomainError('INVALID_SIGNATURE');
  }

  /** The connection of the address, or the one of the provider's item; the two must not contradict each other. */
  private async meant({ provider, id }: Webhook, { providerItemId }: WebhookFact): Promise<BankConnection> {
    const connection = id
      ? await this.connections.find(id)
      : await this.queries.byProviderItem(provider, providerItemId);
    const fits =
      connection?.provider === provider && (!providerItemId || connection.provider_item_id === providerItemId);
    if (!connection || !isBank(connection) || !fits || connection.state === 'revoked')
      throw new DomainError('INVALID_SIGNATURE');
    return connection;
  }
}

const providerContext = ({ context, provider }: Webhook, { project_id, environment }: BankConnection): Context => ({
  ...context,
  tenant: { project_id, environment },
  actor: { type: 'provider', id: provider, name: provider },
});
