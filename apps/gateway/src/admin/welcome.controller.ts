import { Get, Param, Post, Req, Res } from '@nestjs/common';
import { fastifyCookie } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { DomainError } from '#contracts/errors.js';
import { INVITATION_SECONDS } from '#contracts/operator.js';
import { hashSecret, newToken } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { EntryPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { attempted } from './attempt.js';
import { sessionCookie } from './cookies.js';
import { entryContext } from './entry-context.js';
import { newPassword } from './fields.js';
import { formOf } from './forms.js';
import { Passwords } from './passwords.js';
import { SignInLimit } from './sign-in-limit.js';

const COOKIE = 'lk_welcome';
const common = { httpOnly: true, sameSite: 'lax', path: '/admin/welcome' } as const;
const form = z.object({ password: newPassword });

/** Where somebody who was invited, or has lost the password, chooses one. The token goes from the address into a cookie. */
@EntryPage('admin/welcome')
export class WelcomeController {
  constructor(
    private readonly bus: Bus,
    private readonly views: AdminViews,
    private readonly passwords: Passwords,
    private readonly limit: SignInLimit,
  ) {}

  @Get(':token')
  enter(@Param('token') token: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const secure = this.views.isSecure(request);
    const options = { ...common, secure, maxAge: INVITATION_SECONDS };
    return reply
      .header('set-cookie', fastifyCookie.serialize(COOKIE, token.slice(0, 100), options))
      .header('referrer-policy', 'no-referrer')
      .redirect('/admin/welcome', 303);
  }

  @Get()
  async page(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { email } = await this.holder(request);
    return this.show(request, reply, { email });
  }

  @Post()
  async choose(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { email, token_hash } = await this.holder(request);
    const tried = await attempted(request, async () => {
      const password = await this.passwords.make(formOf(request, form).password);
      const context = entryContext(request);
      await this.bus.ask('key.operator.use-link', { context, token_hash, password });
      const token = newToken();
      const signIn = { context: entryContext(request), email, proof: password.proof, token_hash: hashSecret(token) };
      await this.bus.ask('key.operator.sign-in', signIn);
      return token;
    });
    if ('problem' in tried) return this.show(request, reply, { ...tried, email });
    const secure = this.views.isSecure(request);
    const used = fastifyCookie.serialize(COOKIE, '', { ...common, maxAge: 0 });
    return reply.header('set-cookie', [sessionCookie(tried.done, secure), used]).redirect('/admin', 303);
  }

  private holder(request: FastifyRequest) {
    const token = fastifyCookie.parse(request.headers.cookie ?? '')[COOKIE];
    return this.limit.count(request.ip, null, async () => {
      if (!token) throw new DomainError('GONE', 'This link no longer works.');
      const token_hash = hashSecret(token);
      const { email } = await this.bus.ask('key.operator.by-link', { token_hash });
      return { email, token_hash };
    });
  }

  private show(request: FastifyRequest, reply: FastifyReply, view: object) {
    return this.views.show(request, reply, 'welcome', { heading: 'Choose your password', problem: null, ...view });
  }
}
