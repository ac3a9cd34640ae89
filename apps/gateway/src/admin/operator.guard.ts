import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { type Context, defaultTenant } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { SignedInOperator } from '#contracts/operator.js';
import type { ProjectView } from '#contracts/project.js';
import { hashSecret } from '#contracts/secrets.js';
import { Bus } from '#service/bus.js';
import { CONFIG, type GatewayConfig } from '../config.js';
import { Services } from '../services.js';
import { contextOf } from '../request-context.js';
import { sessionTokenOf } from './cookies.js';
import { refuseForgery, refuseOtherPlace } from './forms.js';
import { tenantOf } from './places.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who works with the dashboard, on its pages. */
    operator?: SignedInOperator;
    /** Those the dashboard can show, the oldest first. */
    projects?: ProjectView[];
  }
}

/** Nobody is signed in: the way to the sign-in page. */
export class NotSignedIn extends Error {}

const PROJECTS_AT_ONCE = 200;
/** More than anybody chooses from. */
const MOST_PROJECTS = 2_000;
const forEveryone = new WeakSet<object>();

/** A change that a viewer may make, too: it concerns nobody but themselves, and no project. */
export const ForEveryone = (): MethodDecorator => (_, __, method: PropertyDescriptor) =>
  void forEveryone.add(method.value as object);

/** Every page of the dashboard: somebody is signed in; what changes things comes from an administrator and our own form. */
@Injectable()
export class OperatorGuard implements CanActivate {
  constructor(
    private readonly bus: Bus,
    private readonly services: Services,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const operator = await this.holder(request);
    if (!operator) throw new NotSignedIn();
    request.operator = operator;
    await this.enter(request, operator);
    if (request.method === 'GET' || request.method === 'HEAD') return true;
    refuseForgery(request, this.config, sessionTokenOf(request));
    if (forEveryone.has(context.getHandler())) return true;
    refuseOtherPlace(request);
    if (operator.role === 'administrator') return true;
    throw new DomainError('FORBIDDEN', 'You may look at everything here. Changes are for administrators.');
  }

  /** Lets the request act as this operator, in the project that the dashboard shows. */
  private async enter(request: FastifyRequest, operator: SignedInOperator): Promise<void> {
    request.random = randomBytes;
    const caller = {
      actor: { type: 'operator' as const, id: operator.id, name: operator.email },
      tenant: defaultTenant,
      keyPrefix: null,
    };
    request.projects = await this.projects(contextOf(request, caller));
    request.context = contextOf(request, { ...caller, tenant: tenantOf(request, request.projects) });
  }

  /** The newest ones, and in any case the default one, which is the oldest: the dashboard shows it when no other is chosen. */
  private async projects(context: Context): Promise<ProjectView[]> {
    const newest: ProjectView[] = [];
    let cursor: string | null | undefined;
    do {
      const asked = { context, limit: PROJECTS_AT_ONCE, ...(cursor && { cursor }) };
      const page = await this.services.read('key.project.list', asked);
      newest.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null && newest.length < MOST_PROJECTS);
    if (cursor !== null) newest.push(await this.bus.ask('key.project.get', { id: defaultTenant.project_id }));
    return newest.reverse();
  }

  /** A request that the page itself makes in the background is no sign that somebody is there. */
  private async holder(request: FastifyRequest): Promise<SignedInOperator | null> {
    const token = sessionTokenOf(request);
    if (token === undefined) return null;
    const touch = request.headers['x-latchkey-background'] === undefined;
    return this.bus.ask('key.operator.session', { token_hash: hashSecret(token), touch });
  }
}
