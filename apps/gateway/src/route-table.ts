import { METHODS } from 'node:http';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import type { EndpointSpec } from './endpoint.js';

/** All that Node takes for a request; CONNECT never comes as one. */
const KNOWN = METHODS.filter((method) => method !== 'CONNECT');

/** The routes that really exist, as they are registered. */
export class RouteTable {
  /** What the API promises of them. Pages and documents promise nothing. */
  readonly endpoints: EndpointSpec[] = [];
  /** The methods of each path. */
  readonly methods = new Map<string, string[]>();
  private isComplete = false;

  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
      if (this.isComplete) return;
      this.methods.set(url, [...(this.methods.get(url) ?? []), ...[method].flat()]);
      if (config?.endpoint && method !== 'HEAD') this.endpoints.push(config.endpoint);
    });
  }

  /**
   * Every path answers 405 to the methods it does not take. As routes of their own these are exact: DELETE of
   * `/connections/link` is refused, and not taken for the connection with the id `link`.
   */
  refuseOtherMethods(fastify: FastifyInstance): void {
    this.isComplete = true;
    const strange = KNOWN.filter((method) => !fastify.supportedMethods.includes(method));
    for (const method of strange) fastify.addHttpMethod(method, { hasBody: true });
    for (const [url, taken] of this.methods) {
      if (url.includes('*')) continue;
      const allow = taken.join(', ');
      const method = KNOWN.filter((other) => !taken.includes(other));
      const handler = () => Promise.reject(new DomainError('METHOD_NOT_ALLOWED', undefined, { allow }));
      // Already here, before Fastify asks for the content type of a QUERY.
      fastify.route({ method, url, onRequest: handler, handler, exposeHeadRoute: false });
    }
  }
}
