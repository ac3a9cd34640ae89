import { randomUUID } from 'node:crypto';
import { Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DomainError } from '#contracts/errors.js';
import { INVITATION_SECONDS, type OperatorView } from '#contracts/operator.js';
import { hashSecret, newToken } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { publicBase } from '../public-base.js';
import { callerOf } from '../request-context.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { attempted } from './attempt.js';
import { email, role } from './fields.js';
import { fieldsOf, formOf } from './forms.js';

const LIST = '/admin/settings/operators';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const inviteForm = z.object({ email, role });
const roleForm = z.object({ role });
const linkForm = z.object({ email });

/** Settings → Operators: who works with the dashboard. */
@AdminPage('admin/settings/operators')
export class AdminOperatorsController {
  constructor(
    private readonly bus: Bus,
    private readonly views: AdminViews,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  @Get()
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.show(request, reply, {});
  }

  @Post()
  async invite(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { token, link } = newLink();
    const tried = await attempted(request, () => {
      const wish = { id: randomUUID(), ...formOf(request, inviteForm), link };
      return this.bus.ask('key.operator.invite', { context: callerOf(request), ...wish });
    });
    if ('problem' in tried) return this.show(request, reply, { ...tried, typed: fieldsOf(request) });
    return this.showOnce(request, reply, { email: tried.done.email, token, isNew: true });
  }

  /** A new way in for somebody who has lost the password or the invitation. The password they have stays until they choose another. */
  @Post('link')
  async link(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { token, link } = newLink();
    const { email } = formOf(request, linkForm);
    await this.bus.ask('key.operator.password-link', { context: callerOf(request), email, link });
    return this.showOnce(request, reply, { email, token, isNew: false });
  }

  @Post(':id/role')
  async changeRole(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const wish = { id: operatorId(id), ...formOf(request, roleForm) };
    await this.bus.ask('key.operator.change-role', { context: callerOf(request), ...wish });
    return reply.redirect(`${LIST}?done=role-changed`, 303);
  }

  @Post(':id/remove')
  async remove(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.bus.ask('key.operator.remove', { context: callerOf(request), id: operatorId(id) });
    return reply.redirect(`${LIST}?done=operator-removed`, 303);
  }

  private async show(request: FastifyRequest, reply: FastifyReply, view: object) {
    const operators = await this.bus.ask('key.operator.list', {});
    const data = { heading: 'Operators', operators, hasEnded, problem: null, typed: {}, ...view };
    this.views.show(request, reply, 'operators', data);
  }

  private showOnce(
    request: FastifyRequest,
    reply: FastifyReply,
    { token, ...view }: { email: string; token: string; isNew: boolean },
  ) {
    const url = `${publicBase(request, this.config)}/admin/welcome/${token}`;
    this.views.show(request, reply, 'operator-link-once', { heading: 'Send this link', url, list: LIST, ...view });
  }
}

/** Of an invitation that nobody has accepted: a password link takes its place. */
const hasEnded = ({ link_expires_at }: OperatorView): boolean =>
  link_expires_at !== null && Date.parse(link_expires_at) <= Date.now();

function newLink() {
  const token = newToken();
  const expires_at = new Date(Date.now() + INVITATION_SECONDS * 1000).toISOString();
  return { token, link: { token_hash: hashSecret(token), expires_at } };
}

function operatorId(text: string): string {
  if (!UUID.test(text)) throw new DomainError('NOT_FOUND', 'Operator not found');
  return text;
}
