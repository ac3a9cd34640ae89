import { Controller, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { startedLink, type StartedLinkReply, type StartLinkBody, startLinkBody } from '#contracts/api/connect-links.js';
import type { Context } from '#contracts/envelope.js';
import { withFreshId } from '#contracts/fresh-id.js';
import { newToken } from '#contracts/secrets.js';
import { CONFIG, type GatewayConfig } from './config.js';
import { Endpoint, type EndpointSpec } from './endpoint.js';
import { Services } from './services.js';
import { TokenSealer } from './pages/token-sealer.js';
import { Caller, RequestBody } from './params.js';
import { publicBase } from './public-base.js';
import { RedirectOrigins } from './redirect-origins.js';

const start = {
  method: 'POST' as const,
  access: 'connections:write' as const,
  summary: 'Start a Connect Link: an end user connects an account of their own',
  description:
    'Open `authorize_url` in the browser of the end user within ten minutes. It ends at `redirect_uri` with `status` connected (and `connection_id`), denied or error.',
  body: startLinkBody,
  reply: { 200: startedLink },
  errors: ['SERVER_UNKNOWN', 'SERVER_OAUTH_NOT_CONFIGURED', 'GONE', 'VAULT_UNAVAILABLE'],
} satisfies Partial<EndpointSpec>;

/** Connect Links. The state is drawn here and leaves this process only in the reply, and sealed. */
@Controller()
export class ConnectLinkController {
  constructor(
    private readonly services: Services,
    @Inject(CONFIG) private readonly config: GatewayConfig,
    private readonly sealer: TokenSealer,
    private readonly origins: RedirectOrigins,
  ) {}

  @Endpoint({ ...start, path: '/v1/connections/start' })
  async start(
    @Req() request: FastifyRequest,
    @Caller() context: Context,
    @RequestBody() body: StartLinkBody,
  ): Promise<StartedLinkReply> {
    await this.origins.refuseForeign(context, body.redirect_uri, 'redirect_uri');
    return withFreshId(() => this.startAnew(request, context, body));
  }

  private async startAnew(request: FastifyRequest, context: Context, body: StartLinkBody): Promise<StartedLinkReply> {
    const link_token = newToken(request.random);
    const sealed_state = await this.sealer.seal(link_token);
    const callback_url = `${publicBase(request, this.config)}/v1/connect/callback/${body.server_id}`;
    const ask = { context, wish: { ...body, callback_url }, sealed_state };
    const { authorize_url, expires_at } = await this.services.write('connection.connect.start', ask);
    const url = new URL(authorize_url);
    url.searchParams.set('state', link_token);
    return { link_token, authorize_url: url.href, expires_at };
  }

  @Endpoint({ ...start, path: '/v1/connect/start', summary: 'Older name of /v1/connections/start' })
  startByOlderName(
    @Req() request: FastifyRequest,
    @Caller() context: Context,
    @RequestBody() body: StartLinkBody,
  ): Promise<StartedLinkReply> {
    return this.start(request, context, body);
  }
}
