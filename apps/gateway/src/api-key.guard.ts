import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import { isHouseholdKey, isPlatformKey } from '#contracts/secrets.js';
import { Authentication } from './authentication.js';
import { endpointOf, isPublic } from './endpoint.js';
import { isPlatform } from './surface.js';

/** Every route that is not public and not `/v1`: a household key in X-API-Key, or as Bearer. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(private readonly authentication: Authentication) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const endpoint = endpointOf(context.getHandler());
    if (isPlatform(endpoint) || isPublic(context.getClass(), context.getHandler())) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const secret = secretOf(request);
    if (isPlatformKey(secret)) this.authentication.refuseElsewhere(request);
    const sent = { secret, hasShape: isHouseholdKey(secret) };
    await this.authentication.enter(context, sent, endpoint?.access ?? 'full_access');
    return true;
  }
}

function secretOf({ headers }: FastifyRequest): string {
  const sent = headers['x-api-key'] || /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (typeof sent !== 'string') throw new DomainError('MISSING_API_KEY');
  return sent;
}
