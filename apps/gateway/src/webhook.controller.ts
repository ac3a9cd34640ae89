import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accepted, duplicate } from '#contracts/api/platform.js';
import { defaultTenant } from '#contracts/envelope.js';
import type { InboundDelivery } from '#contracts/webhook.js';
import { Bus } from '#service/bus.js';
import { Endpoint } from './endpoint.js';
import { TokenSealer } from './pages/token-sealer.js';
import { rawBodyOf } from './raw-body.js';
import { contextOf } from './request-context.js';
import { LARGEST_DELIVERY, WebhookAdmission } from './webhook-admission.js';

const delivery = {
  method: 'POST' as const,
  access: 'public' as const,
  takesBytes: true,
  bodyLimit: LARGEST_DELIVERY,
  reply: { 202: accepted, 200: duplicate },
  errors: ['INVALID_SIGNATURE' as const, 'PAYLOAD_TOO_LARGE' as const, 'RATE_LIMITED' as const],
};

/** Deliveries of the providers. Whatever is wrong with one, the answer is the same 401. */
@Controller()
export class WebhookController {
  constructor(
    private readonly bus: Bus,
    private readonly sealer: TokenSealer,
    private readonly admission: WebhookAdmission,
  ) {}

  @Endpoint({
    ...delivery,
    path: '/v1/webhooks/:server_id/:connection_id',
    summary: "Receive a provider's delivery for a connection",
    description:
      "Verified over the raw bytes, by the scheme of the server and with the connection's webhook secret. Delivered again, it changes nothing.",
  })
  forConnection(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.receive(request, reply);
  }

  @Endpoint({
    ...delivery,
    path: '/v1/webhooks/:server_id',
    summary: "Receive a provider's delivery that names its connection itself",
    description:
      'For Teller alone, which knows one address for the whole application. Of every other server it is a 401.',
  })
  forApplication(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply) {
    return this.receive(request, reply);
  }

  private async receive(request: FastifyRequest, reply: FastifyReply) {
    const taken = await this.admission.take(request, async ({ server_id, id }) => {
      const sealed = await this.sealer.seal(JSON.stringify(deliveryOf(request)));
      const actor = { type: 'provider' as const, id: server_id, name: server_id };
      const context = contextOf(request, { actor, tenant: defaultTenant, keyPrefix: null });
      return this.bus.ask('connection.webhook', { context, server_id, id, sealed });
    });
    reply.status(taken.duplicate ? 200 : 202);
    return taken.duplicate ? { duplicate: true } : { accepted: true };
  }
}

const deliveryOf = (request: FastifyRequest): InboundDelivery => ({
  headers: onlyTexts({ ...request.headers, cookie: undefined }),
  query: onlyTexts(request.query as Record<string, unknown>),
  body: (rawBodyOf(request) ?? Buffer.alloc(0)).toString('base64'),
});

const onlyTexts = (values: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
