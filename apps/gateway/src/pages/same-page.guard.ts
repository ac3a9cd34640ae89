import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { publicBase } from '../public-base.js';

/** Lets through only what the page's own script sends: another site can neither set the header nor forge the Origin. */
@Injectable()
export class SamePageGuard implements CanActivate {
  constructor(@Inject(CONFIG) private readonly config: GatewayConfig) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (request.method === 'GET' || request.method === 'HEAD') return true;
    const { origin, 'x-latchkey-page': header } = request.headers;
    const foreign = origin !== undefined && origin !== new URL(publicBase(request, this.config)).origin;
    if (header !== '1' || foreign) throw new DomainError('FORBIDDEN', 'This is for the link page alone.');
    return true;
  }
}
