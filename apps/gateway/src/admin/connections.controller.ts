import { Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { choice, cursor, word } from '#contracts/api/fields.js';
import type { Context } from '#contracts/envelope.js';
import { isBank } from '#contracts/connection.js';
import { Bus } from '#service/bus.js';
import { idInField, idInPath } from '../ids.js';
import { Links } from '../links.service.js';
import { Services } from '../services.js';
import { Caller } from '../params.js';
import { qrCode } from '../pages/qr-code.js';
import { callerOf, untilBankAnswers } from '../request-context.js';
import { checkedQuery } from '../validation.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { History } from './history.service.js';
import { People } from './people.service.js';

const LIST = '/admin/connections';
const LIMIT = 50;
/** The person stays on the hosted page when it is done: there is no app to go back to. */
const relinkTerms = { redirect_url: '', label: '', expires_in_seconds: 3600 };

const filters = z.object({ status: choice(['connected', 'expired', 'revoked']), user_id: word(), cursor });

/** Banks and other servers that are connected, and how well they are. */
@AdminPage('admin/connections')
export class AdminConnectionsController {
  constructor(
    private readonly services: Services,
    private readonly bus: Bus,
    private readonly links: Links,
    private readonly people: People,
    private readonly history: History,
    private readonly views: AdminViews,
  ) {}

  @Get()
  async list(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const filter = checkedQuery(filters, query, 'VALIDATION_ERROR');
    const user_id = idInField('user', 'user_id', filter.user_id);
    const ask = { context, limit: LIMIT, status: filter.status, user_id, cursor: filter.cursor };
    const [page, crowd, servers] = await Promise.all([
      this.services.read('connection.platform.list', ask),
      this.people.list(context),
      this.bus.ask('connection.servers', {}),
    ]);
    const { items: connections, next_cursor: next } = page;
    const serverOf = (id: string) => servers.find((server) => server.id === id)?.name ?? id;
    const data = { connections, next, filter: { ...filter, user_id }, ...crowd, serverOf };
    this.views.show(request, reply, 'connections', { heading: 'Connections', ...data });
  }

  @Get(':id')
  async detail(@Param('id') text: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const id = idInPath('connection', text);
    const [connection, { nameOf }, past, servers] = await Promise.all([
      this.services.read('connection.platform.get', { context, id }),
      this.people.list(context),
      this.history.of(context, id),
      this.bus.ask('connection.servers', {}),
    ]);
    const server = servers.find((one) => one.id === connection.server_id)?.name ?? connection.server_id;
    const heading = connection.institution_name ?? connection.display_name ?? server;
    const view = { heading, connection, server, nameOf, isBank: isBank(connection), ...past };
    this.views.show(request, reply, 'connection', view);
  }

  @Post(':id/reconnect')
  async reconnect(@Param('id') text: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const id = idInPath('connection', text);
    const { session, url } = await this.links.relink(request, id, relinkTerms);
    const view = { heading: 'Send this link', session, url, list: `/admin/sessions/${session.id}`, qr: qrCode(url) };
    this.views.show(request, reply, 'link-once', view);
  }

  @Post(':id/revoke')
  async revoke(@Caller() context: Context, @Param('id') text: string, @Res() reply: FastifyReply) {
    const id = idInPath('connection', text);
    await this.services.write('connection.platform.revoke', { context: untilBankAnswers(context), id });
    return reply.redirect(`${LIST}/${id}?done=connection-revoked`, 303);
  }
}
