import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { isHouseholdKey, isPlatformKey } from '#contracts/secrets.js';
import { Authentication } from './authentication.js';
import { endpointOf } from './endpoint.js';
import { isPlatform } from './surface.js';

/** The routes of `/v1`: a platform or household key as Bearer. A mistyped platform key is refused without a look-up. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(private readonly authentication: Authentication) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const endpoint = endpointOf(context.getHandler());
    if (!endpoint || !isPlatform(endpoint) || endpoint.access === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const secret = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!secret) throw new DomainError('MISSING_API_KEY', 'An API key is required: Authorization: Bearer <key>.');
    const hasShape = isPlatformKey(secret) || isHouseholdKey(secret);
    await this.authentication.enter(context, { secret, hasShape }, endpoint.access);
    return true;
  }
}
