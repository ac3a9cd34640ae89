import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { hashSecret, isHouseholdKey, isPlatformKey } from '#contracts/secrets.js';
import { requireAccess, requireLive } from './access.js';
import { endpointOf, isPlatform } from './endpoint.js';
import { VerifiedKeys } from './key-cache.js';
import { actAs } from './request-context.js';

/** The routes of `/v1`: a platform or household key as Bearer. A mistyped platform key is refused without a look-up. */
@Injectable()
export class BearerGuard implements CanActivate {
  constructor(private readonly keys: VerifiedKeys) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const endpoint = endpointOf(context.getHandler());
    if (!endpoint || !isPlatform(endpoint) || endpoint.access === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const secret = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!secret) throw new DomainError('MISSING_API_KEY', 'An API key is required: Authorization: Bearer <key>.');
    if (!isPlatformKey(secret) && !isHouseholdKey(secret)) throw new DomainError('INVALID_API_KEY');
    const key = requireLive(await this.keys.verify(hashSecret(secret)));
    requireAccess(key, endpoint.access);
    actAs(request, key, secret);
    return true;
  }
}
