import { randomUUID } from 'node:crypto';
import { Get, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { name } from '#contracts/api/fields.js';
import { hashSecret, hashSetupCode, newToken } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { EntryPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { attempted } from './attempt.js';
import { sessionCookie } from './cookies.js';
import { entryContext } from './entry-context.js';
import { email, newPassword } from './fields.js';
import { fieldsOf, formOf } from './forms.js';
import { Passwords } from './passwords.js';
import { SignInLimit } from './sign-in-limit.js';

const form = z.object({ code: name(100), email, password: newPassword });

/** The first administrator, by the code that was printed at the start. Open until there is one, then closed for good. */
@EntryPage('admin/setup')
export class SetupController {
  constructor(
    private readonly bus: Bus,
    private readonly views: AdminViews,
    private readonly passwords: Passwords,
    private readonly limit: SignInLimit,
  ) {}

  @Get()
  async page(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { open } = await this.bus.ask('key.operator.setup-open', {});
    return open ? this.show(request, reply, {}) : this.showClosed(request, reply);
  }

  @Post()
  async setUp(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { open } = await this.bus.ask('key.operator.setup-open', {});
    if (!open) return this.showClosed(request, reply);
    const { code = '', email = '' } = fieldsOf(request);
    const tried = await attempted(request, () => this.create(request));
    if ('problem' in tried) return this.show(request, reply, { ...tried, code, email });
    return reply.header('set-cookie', sessionCookie(tried.done, this.views.isSecure(request))).redirect('/admin', 303);
  }

  /** Whoever has chosen the password does not have to type it again. */
  private async create(request: FastifyRequest): Promise<string> {
    const { code, email, password: chosen } = formOf(request, form);
    return this.limit.count(request.ip, null, async () => {
      const id = randomUUID();
      const context = entryContext(request, { type: 'operator', id, name: email });
      const password = await this.passwords.make(chosen);
      await this.bus.ask('key.operator.setup', { context, code_hash: hashSetupCode(code), id, email, password });
      const token = newToken();
      const signIn = { context: entryContext(request), email, proof: password.proof, token_hash: hashSecret(token) };
      await this.bus.ask('key.operator.sign-in', signIn);
      return token;
    });
  }

  private show(request: FastifyRequest, reply: FastifyReply, view: object) {
    const empty = { code: '', email: '', problem: null };
    return this.views.show(request, reply, 'setup', { heading: 'Create the first administrator', ...empty, ...view });
  }

  private showClosed(request: FastifyRequest, reply: FastifyReply) {
    return this.views.show(request, reply, 'setup-closed', { status: 410, heading: 'Latchkey is set up already' });
  }
}
