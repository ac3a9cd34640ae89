import { Controller, Param } from '@nestjs/common';
import { connection, ledger, toConnection } from '#contracts/api/connections.js';
import type { Context } from '#contracts/envelope.js';
import { Bus } from '#service/bus.js';
import { Endpoint } from './endpoint.js';
import { idInPath } from './ids.js';
import { Services } from './services.js';
import { Caller } from './params.js';

/** Levers of the sandbox bank. Elsewhere these routes do not exist. */
@Controller()
export class SandboxController {
  constructor(
    private readonly services: Services,
    private readonly bus: Bus,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/api/v1/sandbox/connections/:id/require-login',
    access: 'full_access',
    summary: 'Let the sandbox bank ask for a new sign-in',
    description: 'The bank sends its webhook, and the connection becomes `pending_reauth` when it has arrived.',
    reply: { 202: connection },
    errors: ['NOT_FOUND', 'CONNECTION_DISCONNECTED', 'PROVIDER_ERROR'],
  })
  async requireLogin(@Caller() context: Context, @Param('id') id: string) {
    const wish = { context, id: idInPath('connection', id) };
    return toConnection((await this.services.write('connection.require-login', wish)).view);
  }

  @Endpoint({
    method: 'GET',
    path: '/api/v1/sandbox/ledger',
    access: 'any',
    summary: "Read the sandbox bank's own list of the items that links of the project have made",
    reply: { 200: ledger },
  })
  async ledger(@Caller() context: Context) {
    const { items } = await this.bus.ask('connection.ledger', { context });
    return { items: items.map(({ id, provider, institution, state }) => ({ id, provider, institution, state })) };
  }
}
