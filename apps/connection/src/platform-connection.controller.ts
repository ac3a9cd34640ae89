import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Connections } from './connections.service.js';
import { RemoveConnection } from './remove-connection.js';
import { StoreConnection } from './store-connection.js';
import { WebhookSecrets } from './webhook-secrets.js';

/** What the platform does with connections of every kind. */
@Controller()
export class PlatformConnectionController {
  constructor(
    private readonly connections: Connections,
    private readonly storing: StoreConnection,
    private readonly removing: RemoveConnection,
    private readonly webhookSecrets: WebhookSecrets,
  ) {}

  @MessagePattern('connection.platform.store')
  async store(
    @Payload() { context, wish }: Ask<'connection.platform.store'>,
  ): Promise<Reply<'connection.platform.store'>> {
    const { view, position, created } = await this.storing.run(context, wish);
    return { view, position, created };
  }

  @MessagePattern('connection.platform.revoke')
  async revoke(
    @Payload() { context, id }: Ask<'connection.platform.revoke'>,
  ): Promise<Reply<'connection.platform.revoke'>> {
    const connection = await this.connections.readAny(context.tenant, id);
    const { view, position, decided } = await this.removing.run(context, connection);
    return { view, position, already: decided.length === 0 };
  }

  @MessagePattern('connection.platform.delete')
  async delete(
    @Payload() { context, id }: Ask<'connection.platform.delete'>,
  ): Promise<Reply<'connection.platform.delete'>> {
    const connection = await this.connections.readAny(context.tenant, id);
    return { position: await this.removing.delete(context, connection) };
  }

  @MessagePattern('connection.platform.metadata')
  async metadata(
    @Payload() { context, id, changes }: Ask<'connection.platform.metadata'>,
  ): Promise<Reply<'connection.platform.metadata'>> {
    await this.connections.readAny(context.tenant, id);
    const command = { type: 'MergeMetadata', changes, now: new Date().toISOString() } as const;
    const { view, position } = await this.connections.command(id, command, context);
    return { view, position };
  }

  @MessagePattern('connection.platform.webhook-secret')
  async webhookSecret(
    @Payload() { context, id, ...secret }: Ask<'connection.platform.webhook-secret'>,
  ): Promise<Reply<'connection.platform.webhook-secret'>> {
    const connection = await this.connections.readAny(context.tenant, id);
    const { view, position } = await this.webhookSecrets.set(context, connection, secret);
    return { view, position };
  }
}
