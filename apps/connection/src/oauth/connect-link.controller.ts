import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Ask, Reply } from '#contracts/subjects.js';
import { CredentialStorage } from '../credential-storage.js';
import { ConnectLinks } from './connect-links.service.js';

/** Connect Links: an end user lets us act for them at a provider. */
@Controller()
export class ConnectLinkController {
  constructor(
    private readonly storage: CredentialStorage,
    private readonly links: ConnectLinks,
  ) {}

  @MessagePattern('connection.connect.start')
  async start(
    @Payload() { context, wish, sealed_state }: Ask<'connection.connect.start'>,
  ): Promise<Reply<'connection.connect.start'>> {
    const started = await this.links.start(context, { ...wish, state: this.storage.unseal(sealed_state) });
    const url = new URL(started.authorize_url);
    url.searchParams.delete('state');
    return { ...started, authorize_url: url.href };
  }

  @MessagePattern('connection.connect.finish')
  async finish(
    @Payload() { context, server_id, sealed }: Ask<'connection.connect.finish'>,
  ): Promise<Reply<'connection.connect.finish'>> {
    const parameters = JSON.parse(this.storage.unseal(sealed)) as Record<string, unknown>;
    return { redirect_to: await this.links.finish(context, server_id, parameters) };
  }
}
