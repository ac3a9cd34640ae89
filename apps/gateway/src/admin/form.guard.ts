import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONFIG, type GatewayConfig } from '../config.js';
import { formTokenOf } from './cookies.js';
import { refuseForgery } from './forms.js';

/** The forms of somebody who is not signed in: bound to the browser that loaded them. */
@Injectable()
export class FormGuard implements CanActivate {
  constructor(@Inject(CONFIG) private readonly config: GatewayConfig) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuseForgery(request, this.config, formTokenOf(request));
    }
    return true;
  }
}
