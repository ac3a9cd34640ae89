import { timingSafeEqual } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { z } from 'zod';
import { DomainError } from '#contracts/errors.js';
import { hashSetupCode, isSetupCode, SETUP_CODE_RULE } from '#contracts/secrets.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { readEnv } from '#service/config.js';
import { Operators } from './operators.service.js';

/** Whoever holds this code makes the first administrator. Without it nobody does. */
const { SETUP_CODE } = readEnv(z.object({ SETUP_CODE: z.string().refine(isSetupCode, SETUP_CODE_RULE).optional() }));

@Controller()
export class OperatorController {
  constructor(private readonly operators: Operators) {}

  @MessagePattern('key.operator.setup-open')
  async setupOpen(): Promise<Reply<'key.operator.setup-open'>> {
    return { open: !(await this.operators.isSetUp()) };
  }

  @MessagePattern('key.operator.setup')
  setUp(@Payload() { code_hash, ...wish }: Ask<'key.operator.setup'>): Promise<Reply<'key.operator.setup'>> {
    const fits =
      SETUP_CODE !== undefined &&
      timingSafeEqual(Buffer.from(hashSetupCode(SETUP_CODE), 'hex'), Buffer.from(code_hash, 'hex'));
    if (!fits) throw new DomainError('SIGN_IN_REFUSED', 'The set-up code is not right.');
    return this.operators.setUp(wish);
  }

  @MessagePattern('key.operator.recipe')
  recipe(@Payload() { email }: Ask<'key.operator.recipe'>): Promise<Reply<'key.operator.recipe'>> {
    return this.operators.recipe(email);
  }

  @MessagePattern('key.operator.sign-in')
  signIn(@Payload() ask: Ask<'key.operator.sign-in'>): Promise<Reply<'key.operator.sign-in'>> {
    return this.operators.signIn(ask);
  }

  @MessagePattern('key.operator.session')
  session(@Payload() ask: Ask<'key.operator.session'>): Promise<Reply<'key.operator.session'>> {
    return this.operators.session(ask);
  }

  @MessagePattern('key.operator.sign-out')
  async signOut(@Payload() ask: Ask<'key.operator.sign-out'>): Promise<Reply<'key.operator.sign-out'>> {
    await this.operators.signOut(ask);
    return {};
  }

  @MessagePattern('key.operator.end-sessions')
  endSessions(
    @Payload() { context, id }: Ask<'key.operator.end-sessions'>,
  ): Promise<Reply<'key.operator.end-sessions'>> {
    return this.operators.endSessions(context, id);
  }

  @MessagePattern('key.operator.list')
  list(): Promise<Reply<'key.operator.list'>> {
    return this.operators.list();
  }

  @MessagePattern('key.operator.invite')
  invite(@Payload() ask: Ask<'key.operator.invite'>): Promise<Reply<'key.operator.invite'>> {
    return this.operators.invite(ask);
  }

  @MessagePattern('key.operator.password-link')
  makeLink(@Payload() ask: Ask<'key.operator.password-link'>): Promise<Reply<'key.operator.password-link'>> {
    return this.operators.makeLink(ask);
  }

  @MessagePattern('key.operator.by-link')
  byLink(@Payload() { token_hash }: Ask<'key.operator.by-link'>): Promise<Reply<'key.operator.by-link'>> {
    return this.operators.byLink(token_hash);
  }

  @MessagePattern('key.operator.use-link')
  useLink(@Payload() ask: Ask<'key.operator.use-link'>): Promise<Reply<'key.operator.use-link'>> {
    return this.operators.useLink(ask);
  }

  @MessagePattern('key.operator.change-password')
  changePassword(@Payload() ask: Ask<'key.operator.change-password'>): Promise<Reply<'key.operator.change-password'>> {
    return this.operators.changePassword(ask);
  }

  @MessagePattern('key.operator.change-role')
  changeRole(@Payload() ask: Ask<'key.operator.change-role'>): Promise<Reply<'key.operator.change-role'>> {
    return this.operators.changeRole(ask);
  }

  @MessagePattern('key.operator.remove')
  async remove(@Payload() { context, id }: Ask<'key.operator.remove'>): Promise<Reply<'key.operator.remove'>> {
    await this.operators.remove(context, id);
    return {};
  }
}
