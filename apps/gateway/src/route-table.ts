import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import findMyWay from 'find-my-way';
import { DomainError } from '#contracts/errors.js';
import type { EndpointSpec } from './endpoint.js';

/** The routes that really exist, as they are registered. */
export class RouteTable {
  /** What the API promises of them. Pages and documents promise nothing. */
  readonly endpoints: EndpointSpec[] = [];
  /** The methods of each path. */
  readonly methods = new Map<string, string[]>();
  private readonly paths = findMyWay();
  private isComplete = false;

  watch(fastify: FastifyInstance): void {
    fastify.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
      if (this.isComplete) return;
      this.methods.set(url, [...(this.methods.get(url) ?? []), ...[method].flat()]);
      if (config?.endpoint && method !== 'HEAD') this.endpoints.push(config.endpoint);
    });
    // A method that no route takes, as most that Node knows.
    fastify.addHook('onRequest', (request, _, done) => {
      const allow = request.is404 && this.allowedAt(request.url);
      done(allow ? notAllowed(allow) : undefined);
    });
  }

  /**
   * Every path answers 405 to the methods that only others take. As routes of their own these are exact: DELETE of
   * `/connections/link` is refused, and not taken for the connection with the id `link`.
   */
  refuseOtherMethods(fastify: FastifyInstance): void {
    this.isComplete = true;
    const inUse = [...new Set([...this.methods.values()].flat())];
    for (const [url, taken] of this.methods) {
      if (url.includes('*')) continue;
      const allow = taken.join(', ');
      this.paths.on('GET', url, () => undefined, { allow });
      const method = inUse.filter((other) => !taken.includes(other));
      const handler = ({ params }: FastifyRequest) => {
        const lacksId = Object.values(params as object).includes('');
        return Promise.reject(lacksId ? new DomainError('NOT_FOUND') : notAllowed(allow));
      };
      fastify.route({ method, url, onRequest: handler, handler, exposeHeadRoute: false });
    }
  }

  /** What the path of this URL takes; undefined when there is none like it. */
  private allowedAt(url: string): string | undefined {
    return (this.paths.find('GET', url)?.store as { allow: string } | undefined)?.allow;
  }
}

const notAllowed = (allow: string) => new DomainError('METHOD_NOT_ALLOWED', undefined, { allow });
