import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { DomainError } from '#contracts/errors.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import type { InboundDelivery } from '#contracts/webhook.js';
import { ConnectionQueries } from './connection-queries.js';
import { WebhookIntake } from './webhook-intake.js';
import { WebhookVerification } from './webhook-verification.js';

/** What the servers of the catalog deliver. Everything that is not genuine is refused alike. */
@Controller()
export class WebhookController {
  constructor(
    private readonly queries: ConnectionQueries,
    private readonly verification: WebhookVerification,
    private readonly intake: WebhookIntake,
  ) {}

  @MessagePattern('connection.webhook')
  async receive(@Payload() ask: Ask<'connection.webhook'>): Promise<Reply<'connection.webhook'>> {
    const { server_id, sealed } = ask;
    const delivery = this.verification.open(sealed);
    const id = ask.id ?? (await this.named(server_id, delivery));
    if (id === null) throw new DomainError('INVALID_SIGNATURE');
    const actor = { type: 'provider' as const, id: server_id, name: this.verification.nameOf(server_id) };
    const context = { ...ask.context, actor };
    const { duplicate } = await this.intake.take(id, { context, server_id, delivery, sealed });
    return { accepted: true, duplicate };
  }

  @MessagePattern('connection.webhook-expected')
  async expects(@Payload() { server_id, id }: Ask<'connection.webhook-expected'>) {
    const expected = id ? await this.intake.expects(id, server_id) : this.verification.hasOneAddress(server_id);
    return { expected };
  }

  /**
   * The connection of the item that a genuine delivery to the whole application names. Nothing is verified for a server
   * that has no such address: looking up the keys of forged deliveries would keep Plaid's genuine ones waiting.
   */
  private async named(server_id: string, delivery: InboundDelivery): Promise<string | null> {
    if (!this.verification.hasOneAddress(server_id)) return null;
    const fact = await this.verification.factOf(server_id, delivery, []);
    if (!fact?.providerItemId) return null;
    return (await this.queries.byProviderItem(server_id, fact.providerItemId))?.id ?? null;
  }
}
