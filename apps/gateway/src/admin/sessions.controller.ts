import { Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { sessionsQuery, type SessionsQuery } from '#contracts/api/link-sessions.js';
import { name, oneOf, text } from '#contracts/api/fields.js';
import type { Context } from '#contracts/envelope.js';
import { Bus } from '#service/bus.js';
import { idInField, idInPath } from '../ids.js';
import { type FreshLink, Links } from '../links.service.js';
import { Services } from '../services.js';
import { Caller } from '../params.js';
import { qrCode } from '../pages/qr-code.js';
import { callerOf } from '../request-context.js';
import { checkedBody, checkedQuery } from '../validation.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { attempted } from './attempt.js';
import { fieldsOf, formOf } from './forms.js';
import { People } from './people.service.js';
import { History } from './history.service.js';

const LIST = '/admin/sessions';

const newLinkForm = z
  .object({
    user_id: text(100).default(''),
    user_name: text(200).default(''),
    provider: oneOf(['', 'plaid', 'teller'], '"plaid" or "teller"'),
    label: text(200).default(''),
    expires_in_seconds: oneOf(['300', '900', '3600'], 'one of 300, 900, 3600').transform(Number),
    single_use: z.literal('on').optional(),
  })
  .refine(({ user_id, user_name }) => user_id !== '' || user_name.trim() !== '', {
    path: ['user_name'],
    message: 'is required',
  });

const newUserForm = z.object({ user_name: name(200) });

/** Links and what becomes of them, as it happens. */
@AdminPage('admin/sessions')
export class AdminSessionsController {
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
    await this.show(request, reply, { query });
  }

  @Post()
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const typed = { ...fieldsOf(request) };
    const tried = await attempted(request, () => this.mint(request, typed));
    if ('problem' in tried) return this.show(request, reply, { ...tried, typed });
    return this.showOnce(request, reply, tried.done);
  }

  @Get(':id')
  async detail(@Param('id') text: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const id = idInPath('link_session', text);
    const [session, { nameOf }, past] = await Promise.all([
      this.services.read('link-session.get', { context, id }),
      this.people.list(context),
      this.history.of(context, id),
    ]);
    const view = { heading: session.label || `Link ${session.short_id}`, session, nameOf, ...past };
    this.views.show(request, reply, 'session', { ...view, isOpen: ['pending', 'active'].includes(session.status) });
  }

  @Post(':id/cancel')
  async cancel(@Caller() context: Context, @Param('id') text: string, @Res() reply: FastifyReply) {
    const id = idInPath('link_session', text);
    await this.services.write('link-session.cancel', { context, id });
    return reply.redirect(`${LIST}/${id}?done=link-cancelled`, 303);
  }

  /**
   * A user who was made is who the form names from then on: trying again makes no second one. The person stays on the hosted
   * page when it is done: there is no app to go back to.
   */
  private async mint(request: FastifyRequest, typed: Record<string, string>): Promise<FreshLink> {
    const context = callerOf(request);
    const { user_name, single_use, ...wish } = formOf(request, newLinkForm);
    const user_id = wish.user_id
      ? idInField('user', 'user_id', wish.user_id)
      : (await this.people.create(context, request.random, checkedBody(newUserForm, { user_name }).user_name)).id;
    Object.assign(typed, { user_id, user_name: '' });
    return this.links.mint(request, { ...wish, user_id, single_use: single_use === 'on', redirect_url: '' });
  }

  private async show(
    request: FastifyRequest,
    reply: FastifyReply,
    { query = {}, ...view }: { query?: unknown; status?: number; problem?: string; typed?: object },
  ) {
    const context = callerOf(request);
    const filter: SessionsQuery = checkedQuery(sessionsQuery, query, 'VALIDATION_ERROR');
    const user_id = idInField('user', 'user_id', filter.user_id);
    const [page, crowd, providers] = await Promise.all([
      this.services.read('link-session.list', { context, ...filter, user_id }),
      this.people.list(context),
      this.bus.ask('connection.providers', {}),
    ]);
    const { items: sessions, next_cursor: next } = page;
    const data = { heading: 'Sessions', sessions, next, filter: { ...filter, user_id }, providers, ...crowd };
    this.views.show(request, reply, 'sessions', { ...data, problem: null, typed: {}, ...view });
  }

  private showOnce(request: FastifyRequest, reply: FastifyReply, { session, url }: FreshLink) {
    const list = `${LIST}/${session.id}`;
    this.views.show(request, reply, 'link-once', { heading: 'Send this link', session, url, list, qr: qrCode(url) });
  }
}
