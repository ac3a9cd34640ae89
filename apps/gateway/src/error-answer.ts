import { HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type CodedError, type ErrorCode, errors, isCoded, platformCode } from '#contracts/errors.js';
import { logger } from '#service/logger.js';
import { accepts } from './accepts.js';

/** Statuses with which Fastify and Nest themselves refuse a request, in our words. */
const ofStatus: Partial<Record<number, ErrorCode>> = {
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
  // A path that cannot be decoded, or that is far too long, names nothing.
  414: 'NOT_FOUND',
  429: 'RATE_LIMITED',
  503: 'UNAVAILABLE',
};

/** The one place that turns an error into an answer. Whatever nobody foresaw is logged and hidden. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const refusal = describe(error);
  log(error, refusal, request);
  setHeaders(refusal, reply);
  void reply
    .status(errors[refusal.code].status)
    .type(wantsProblem(request) ? 'application/problem+json' : 'application/json; charset=utf-8')
    .send(JSON.stringify(bodyOf(refusal, request)));
}

/** What a page has to say about an error. The log is told here, too, so that every failure is found under its request's id. */
export function refusalOnPage(error: unknown, request: FastifyRequest): CodedError {
  const isNothing = error instanceof HttpException && error.getStatus() < 500;
  const refusal = isCoded(error) ? error : named(isNothing ? 'NOT_FOUND' : 'INTERNAL');
  log(error, refusal, request);
  return refusal;
}

function describe(error: unknown): CodedError {
  if (isCoded(error)) return error.code === 'ID_TAKEN' ? named('CONFLICT') : error;
  const status = error instanceof HttpException ? error.getStatus() : statusOf(error);
  if (status === undefined || (status >= 500 && !ofStatus[status])) return named('INTERNAL');
  return named(ofStatus[status] ?? 'INVALID_BODY');
}

const named = (code: ErrorCode): CodedError => ({ code, message: errors[code].text });

/** Fastify's own errors carry their status; an undecodable path counts as one that names nothing. */
function statusOf(error: unknown): number | undefined {
  const { code, statusCode } = (error ?? {}) as { code?: string; statusCode?: number };
  if (!code?.startsWith('FST_')) return undefined;
  return code === 'FST_ERR_BAD_URL' ? 404 : statusCode;
}

/** What is somebody else's doing stands in the line of its request alone; a part that is away is no mistake of ours either. */
function log(error: unknown, { code, message }: CodedError, request: FastifyRequest): void {
  if (errors[code].status < 500) return;
  const fields = { request_id: request.id, code };
  if (errors[code].status === 503) logger.warn({ ...fields, cause: String((error as Error).cause) }, message);
  else logger.error({ ...fields, err: error }, 'a request failed');
}

/** After how many seconds it may be tried again; undefined where that alone would not help. */
export function retryAfterOf({ code, details }: CodedError): number | undefined {
  const { retry_after = 1 } = (details ?? {}) as { retry_after?: number };
  if (code === 'RATE_LIMITED') return retry_after;
  return errors[code].status === 503 ? 1 : undefined;
}

function setHeaders(refusal: CodedError, reply: FastifyReply): void {
  const { code, details } = refusal;
  const { allow = '' } = (details ?? {}) as { allow?: string };
  const retryAfter = retryAfterOf(refusal);
  if (code.endsWith('_API_KEY')) void reply.header('www-authenticate', 'Bearer');
  // Alike for every scheme, so that it says nothing about the one that a connection has.
  if (code === 'INVALID_SIGNATURE') void reply.header('www-authenticate', 'Basic realm="webhooks"');
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
  if (code === 'METHOD_NOT_ALLOWED') void reply.header('allow', allow);
}

const wantsProblem = ({ headers }: FastifyRequest): boolean => accepts(headers.accept, 'application/problem+json');

const isPlatform = ({ url }: FastifyRequest): boolean => /^\/v1([/?]|$)/.test(url);

function bodyOf(refusal: CodedError, request: FastifyRequest): object {
  const { message, details } = refusal;
  const code = isPlatform(request) ? platformCode(refusal.code) : refusal.code;
  if (wantsProblem(request)) return problem(refusal, code, request);
  if (!isPlatform(request)) return { error: { code, message } };
  // Older clients look for the unknown servers at the top.
  const unknown = refusal.code === 'UNKNOWN_SERVERS' && details;
  return { error: { code, message, ...(details && { details }) }, code, message, request_id: request.id, ...unknown };
}

const problem = ({ code: key, message, details }: CodedError, code: string, { id }: FastifyRequest) => ({
  type: `/docs#${key}`,
  title: errors[key].text,
  status: errors[key].status,
  detail: message,
  code,
  request_id: id,
  ...(details && { details }),
});
