import { Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { AdminPage } from './admin-page.js';

/** The dashboard begins with what people look for most; what it does not have, it says as a page. */
@AdminPage('admin')
export class HomeController {
  @Get()
  start(@Res() reply: FastifyReply) {
    return reply.redirect('/admin/sessions', 303);
  }

  @Get('settings')
  settings(@Res() reply: FastifyReply) {
    return reply.redirect('/admin/settings/api-keys', 303);
  }

  @Get('*')
  nothing(): never {
    throw new DomainError('NOT_FOUND', 'The dashboard has no such page.');
  }
}
