import { applyDecorators, HttpCode, RequestMapping, RequestMethod } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { z } from 'zod';
import type { ErrorCode } from '#contracts/errors.js';
import type { Access } from './access.js';
import { Idempotent } from './idempotent.decorator.js';

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';

/** All that is promised of a route: the guards, the validation and the OpenAPI document are made from it. */
export interface EndpointSpec {
  method: Method;
  /** With `:name` for parameters. */
  path: string;
  access: Access;
  /** What it does, as a short imperative sentence. */
  summary: string;
  description?: string;
  body?: z.ZodObject;
  /** An empty body is as good as `{}`. */
  bodyOptional?: boolean;
  /** Its body is taken as the bytes that came, whatever they are. */
  takesBytes?: boolean;
  /** The largest body in bytes; 64 KiB when it says nothing. */
  bodyLimit?: number;
  query?: z.ZodObject;
  /** Headers that say what is wanted, as a body does, with what they mean. */
  headers?: Record<string, string>;
  /** What comes back, by status; null is no body. The lowest status is meant when the handler sets none. */
  reply: Partial<Record<200 | 201 | 202 | 204 | 503, z.ZodType | null>>;
  /** The reply is a stream: of Server-Sent Events, or of these types. */
  isStream?: boolean | string[];
  /** What stands in the head of a reply beyond what stands in that of every one. */
  replyHeaders?: Record<string, { schema: object; description: string }>;
  /** Though it is no GET, so that nobody can come in between. */
  writesNothing?: boolean;
  /** Refusals beyond those that follow from method, access, body and query. */
  errors?: ErrorCode[];
}

declare module 'fastify' {
  interface FastifyContextConfig {
    endpoint?: EndpointSpec;
    /** No key is asked for. */
    public?: boolean;
    /** The largest body of a route that declares no endpoint, such as a form; 64 KiB when it says nothing. */
    bodyLimit?: number;
  }
}

const specs = new WeakMap<object, EndpointSpec>();
const publics = new WeakSet<object>();

/** Declares a route of the API. A route without it, or without `Public`, needs a full_access key. */
export const Endpoint = (spec: EndpointSpec): MethodDecorator =>
  applyDecorators(
    // It puts another function in the handler's place, to which all that follows belongs.
    ...(takesIdempotencyKey(spec) ? [Idempotent] : []),
    RequestMapping({ path: spec.path, method: RequestMethod[spec.method] }),
    HttpCode(Number(Object.keys(spec.reply)[0])),
    RouteConfig({ endpoint: spec, public: spec.access === 'public' }),
    (_: object, __: string | symbol, { value }: PropertyDescriptor) => void specs.set(value as object, spec),
  );

/** For pages and their assets, on a class or a method: no key is asked for, and it is no part of the API's document. */
export const Public =
  (): ClassDecorator & MethodDecorator => (target: object, _?: unknown, method?: PropertyDescriptor) =>
    void publics.add((method?.value as object | undefined) ?? target);

export const endpointOf = (handler: object): EndpointSpec | undefined => specs.get(handler);

export const takesIdempotencyKey = ({ method, access }: EndpointSpec): boolean =>
  method === 'POST' && access !== 'public';

export const isPublic = (controller: object, handler: object): boolean =>
  specs.get(handler)?.access === 'public' || publics.has(handler) || publics.has(controller);
