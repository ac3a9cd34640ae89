import { Get, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { hashSecret, newToken } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { EntryPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { attempted } from './attempt.js';
import { sessionCookie, sessionTokenOf } from './cookies.js';
import { entryContext } from './entry-context.js';
import { email, password } from './fields.js';
import { fieldsOf, formOf, placeToGo } from './forms.js';
import { Passwords } from './passwords.js';
import { SignInLimit } from './sign-in-limit.js';

/** What cannot be an address may be a password in the wrong field: it goes no further. */
const form = z.object({ email, password });

@EntryPage('admin/sign-in')
export class SignInController {
  constructor(
    private readonly bus: Bus,
    private readonly views: AdminViews,
    private readonly passwords: Passwords,
    private readonly limit: SignInLimit,
  ) {}

  @Get()
  async page(@Query('next') next: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { open } = await this.bus.ask('key.operator.setup-open', {});
    if (open) return reply.redirect('/admin/setup', 303);
    return this.show(request, reply, { next: typeof next === 'string' ? placeToGo(next) : '/admin' });
  }

  @Post()
  async signIn(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { email = '', next } = fieldsOf(request);
    const tried = await attempted(request, () => this.open(request));
    if ('problem' in tried) return this.show(request, reply, { ...tried, email, next: placeToGo(next) });
    return reply
      .header('set-cookie', sessionCookie(tried.done, this.views.isSecure(request)))
      .redirect(placeToGo(next), 303);
  }

  /** A session under a token that nobody has seen before; the one this browser had ends. */
  private async open(request: FastifyRequest): Promise<string> {
    const { email, password } = formOf(request, form);
    const token = newToken();
    await this.limit.count(request.ip, email, async () => {
      const proof = await this.passwords.proof(password, await this.bus.ask('key.operator.recipe', { email }));
      const context = entryContext(request);
      await this.bus.ask('key.operator.sign-in', { context, email, proof, token_hash: hashSecret(token) });
    });
    const before = sessionTokenOf(request);
    if (before !== undefined) {
      await this.bus.ask('key.operator.sign-out', { context: entryContext(request), token_hash: hashSecret(before) });
    }
    return token;
  }

  private show(request: FastifyRequest, reply: FastifyReply, view: object) {
    return this.views.show(request, reply, 'sign-in', { heading: 'Sign in', email: '', problem: null, ...view });
  }
}
