import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import { DomainError } from '#contracts/errors.js';
import type { Bus } from '#service/bus.js';
import { nestLogger } from '#service/logger.js';
import type { GatewayConfig } from './config.js';
import { answerError } from './error-answer.js';
import { endStreamsOnClose } from './event-stream.js';
import { GatewayModule } from './gateway.module.js';
import { HttpErrorFilter } from './http-error.filter.js';
import { Idempotency } from './idempotency.js';
import { answerMalformed, rememberRequests } from './malformed-request.js';
import { Metrics } from './metrics.js';
import { keepRaw } from './raw-body.js';
import { requestIdOf } from './request-context.js';
import { recordRequests } from './request-record.js';
import { requestTarget } from './request-target.js';
import { RouteTable } from './route-table.js';
import { WebhookAdmission } from './webhook-admission.js';

/** For the head of a request and its body together. */
const REQUEST_MS = 15_000;

/** The gateway, ready to listen or to be asked in a test. Serves also while the bus is away: then with 503. */
export async function createGateway(bus: Bus, config: GatewayConfig): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter(serverOptions(config));
  const fastify = adapter.getInstance<FastifyInstance>();
  const routes = new RouteTable();
  const metrics = new Metrics();
  // First, as the headers that every answer carries are of a hook, and a refusal of the table's is an answer.
  prepare(fastify, config, metrics);
  routes.watch(fastify);
  const module = GatewayModule.with({ bus, config, routes, metrics });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: nestLogger,
    abortOnError: false,
  });
  const idempotency: Idempotency = app.get(Idempotency);
  fastify.decorate('idempotency', idempotency);
  app.get(WebhookAdmission).watch(fastify);
  app.useGlobalFilters(new HttpErrorFilter());
  await app.init();
  routes.refuseOtherMethods(fastify);
  return app;
}

const serverOptions = (config: GatewayConfig): FastifyHttpOptions<Server> & { skipMiddie: true } => ({
  skipMiddie: true,
  genReqId: requestIdOf,
  requestIdHeader: false,
  trustProxy: config.TRUSTED_PROXIES.length > 0 && config.TRUSTED_PROXIES,
  requestTimeout: REQUEST_MS,
  http: {
    // Of this and requestTimeout Node takes the smaller for the head, and looks each half a minute for who is late.
    headersTimeout: REQUEST_MS,
    connectionsCheckingInterval: 2_000,
    // Node's own refusal has no body and names no request.
    requireHostHeader: false,
  },
  return503OnClosing: false,
  rewriteUrl: requestTarget,
  // These errors come before any hook has run.
  frameworkErrors: (error, request, reply) => {
    void reply.headers(headersOf(request, config));
    answerError(error, request, reply);
  },
  clientErrorHandler: answerMalformed,
});

function prepare(fastify: FastifyInstance, config: GatewayConfig, metrics: Metrics): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', keepRaw);
  fastify.decorateRequest('context', null);
  fastify.decorateRequest('key', null);
  fastify.decorateRequest('secret', '');
  fastify.decorateRequest('random', null as never);
  endStreamsOnClose(fastify);
  recordRequests(fastify, metrics);
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(headersOf(request, config));
    ignoreMalformedType(request.raw.headers);
    done(hostFault(request.raw));
  });
  // Node leaves out what is beyond 1,000 headers without a word, be it the key. Their 16 KiB are limit enough.
  fastify.server.maxHeadersCount = 0;
  rememberRequests(fastify.server);
  // What else a client expects may be passed over (RFC 9110, 10.1.1); Node would refuse it without a body.
  fastify.server.on('checkExpectation', (request, reply) => fastify.routing(request, reply));
}

/** Node keeps the first of several hosts; somebody in front may have gone by another (RFC 9112, 3.2). */
function hostFault({ httpVersion, rawHeaders }: IncomingMessage): DomainError | undefined {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && /^host$/i.test(name)).length;
  if (hosts > 1) return new DomainError('BAD_REQUEST', 'A request has one Host header.');
  if (hosts === 1 || httpVersion !== '1.1') return undefined;
  return new DomainError('BAD_REQUEST', 'A request of HTTP/1.1 needs a Host header.');
}

const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;|$)/;

/** No route asks for the type of a body. Of one that cannot be read, Fastify would speak before the key was looked at. */
function ignoreMalformedType(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'];
  if (type !== undefined && !MEDIA_TYPE.test(type)) headers['content-type'] = 'application/octet-stream';
}

/** What every answer carries; pages put their own in the place of some. */
const headersOf = (request: { id: string }, { PUBLIC_BASE_URL }: GatewayConfig) => ({
  'x-request-id': request.id,
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  ...(PUBLIC_BASE_URL?.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000' }),
});
