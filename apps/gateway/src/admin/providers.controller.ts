import { Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Bus } from '#service/bus.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';

const banks = [
  { name: 'plaid', variables: 'PLAID_CLIENT_ID and PLAID_SECRET' },
  {
    name: 'teller',
    variables:
      'TELLER_APPLICATION_ID and TELLER_SIGNING_SECRET (outside its sandbox also TELLER_CERT_FILE and TELLER_KEY_FILE)',
  },
] as const;

/** Settings → Providers: which bank services people can choose, and what else the catalog has. */
@AdminPage('admin/settings/providers')
export class AdminProvidersController {
  constructor(
    private readonly bus: Bus,
    private readonly views: AdminViews,
  ) {}

  @Get()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const [configured, servers] = await Promise.all([
      this.bus.ask('connection.providers', {}),
      this.bus.ask('connection.servers', {}),
    ]);
    this.views.show(request, reply, 'providers', {
      heading: 'Providers',
      banks: banks.map((bank) => ({ ...bank, isConfigured: configured.includes(bank.name) })),
      servers: servers.filter(({ id }) => !banks.some(({ name }) => name === id)),
    });
  }
}
