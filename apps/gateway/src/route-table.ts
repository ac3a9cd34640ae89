import type { FastifyInstance, RouteOptions } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import type { EndpointSpec } from './endpoint.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The routes that really exist, as they are registered. */
export class RouteTable {
  readonly endpoints: EndpointSpec[] = [];
  private readonly methods = new Map<string, Set<string>>();

  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', (route: RouteOptions) => {
      const methods = this.methods.get(route.url) ?? new Set();
      for (const method of [route.method].flat()) methods.add(method);
      this.methods.set(route.url, methods);
      const endpoint = route.config?.endpoint;
      if (endpoint && !this.endpoints.includes(endpoint)) this.endpoints.push(endpoint);
    });
  }

  /**
   * Every path answers 405 to the methods it does not take. As routes of their own these are exact: DELETE of
   * `/connections/link` is refused, and not taken for the connection with the id `link`.
   */
  refuseOtherMethods(fastify: FastifyInstance): void {
    for (const [url, taken] of [...this.methods]) {
      if (url.includes('*')) continue;
      const allow = [...taken].join(', ');
      const method = METHODS.filter((other) => !taken.has(other));
      const handler = () => {
        throw new DomainError('METHOD_NOT_ALLOWED', undefined, { allow });
      };
      fastify.route({ method, url, handler, exposeHeadRoute: false });
    }
  }
}
