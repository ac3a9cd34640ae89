import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { hashSecret, isHouseholdKey } from '#contracts/secrets.js';
import { requireAccess, requireLive } from './access.js';
import { endpointOf, isPlatform, isPublic } from './endpoint.js';
import { VerifiedKeys } from './key-cache.js';
import { actAs } from './request-context.js';

/** Every route that is not public and not `/v1`: a household key in X-API-Key, or as Bearer. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(private readonly keys: VerifiedKeys) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const endpoint = endpointOf(context.getHandler());
    if (isPlatform(endpoint) || isPublic(context.getClass(), context.getHandler())) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const secret = secretOf(request);
    if (!isHouseholdKey(secret)) throw new DomainError('INVALID_API_KEY');
    const key = requireLive(await this.keys.verify(hashSecret(secret)));
    requireAccess(key, endpoint?.access ?? 'full_access');
    actAs(request, key, secret);
    return true;
  }
}

function secretOf({ headers }: FastifyRequest): string {
  const sent = headers['x-api-key'] || /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (typeof sent !== 'string') throw new DomainError('MISSING_API_KEY');
  return sent;
}
