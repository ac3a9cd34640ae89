import { Get, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { hashSecret } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { callerOf } from '../request-context.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { attempted } from './attempt.js';
import { endOfSessionCookie, sessionTokenOf } from './cookies.js';
import { newPassword, password } from './fields.js';
import { formOf } from './forms.js';
import { ForEveryone } from './operator.guard.js';
import { Passwords } from './passwords.js';
import { SignInLimit } from './sign-in-limit.js';

const form = z.object({ current: password, password: newPassword });

/** What every operator may do for themselves. */
@AdminPage('admin/account')
export class AccountController {
  constructor(
    private readonly bus: Bus,
    private readonly views: AdminViews,
    private readonly passwords: Passwords,
    private readonly limit: SignInLimit,
  ) {}

  @Get()
  page(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    this.show(request, reply, {});
  }

  @Post('password')
  @ForEveryone()
  async changePassword(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const tried = await attempted(request, () => this.change(request));
    if ('problem' in tried) return this.show(request, reply, tried);
    return this.leave(request, reply, 'password-changed');
  }

  @Post('sign-out')
  @ForEveryone()
  async signOut(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const token_hash = hashSecret(sessionTokenOf(request)!);
    await this.bus.ask('key.operator.sign-out', { context: callerOf(request), token_hash });
    return this.leave(request, reply, 'signed-out');
  }

  @Post('sign-out-everywhere')
  @ForEveryone()
  async signOutEverywhere(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.bus.ask('key.operator.end-sessions', { context: callerOf(request), id: request.operator!.id });
    return this.leave(request, reply, 'signed-out-everywhere');
  }

  private async change(request: FastifyRequest): Promise<void> {
    const { current, password: chosen } = formOf(request, form);
    const { id, email } = request.operator!;
    await this.limit.count(request.ip, email, async () => {
      const proof = await this.passwords.proof(current, await this.bus.ask('key.operator.recipe', { email }));
      const wish = { id, proof, password: await this.passwords.make(chosen) };
      await this.bus.ask('key.operator.change-password', { context: callerOf(request), ...wish });
    });
  }

  private leave(request: FastifyRequest, reply: FastifyReply, done: string) {
    return reply
      .header('set-cookie', endOfSessionCookie(this.views.isSecure(request)))
      .redirect(`/admin/sign-in?done=${done}`, 303);
  }

  private show(request: FastifyRequest, reply: FastifyReply, view: object): void {
    this.views.show(request, reply, 'account', { heading: 'Your account', problem: null, ...view });
  }
}
