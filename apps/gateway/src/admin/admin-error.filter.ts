import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type CodedError, errors } from '#contracts/errors.js';
import { refusalOnPage, retryAfterOf } from '../error-answer.js';
import { AdminViews } from './admin-views.js';
import { NotSignedIn } from './operator.guard.js';

/** A refusal in the dashboard is a page, too: what happened, and the way back. */
@Catch()
export class AdminErrorFilter implements ExceptionFilter {
  constructor(@Inject(AdminViews) private readonly views: AdminViews) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    if (error instanceof NotSignedIn) return this.toSignIn(request, reply);
    const refusal = refusalOnPage(error, request);
    const { status } = errors[refusal.code];
    const again = status === 503 && request.method === 'GET' ? request.url : null;
    const view = { status, retry_after: retryAfterOf(refusal), refusal, heading: headingOf(refusal), again };
    this.views.show(request, reply, 'refused', view);
  }

  private toSignIn(request: FastifyRequest, reply: FastifyReply): void {
    if (request.headers['x-latchkey-background'] !== undefined) return void reply.status(401).send();
    const next = request.method === 'GET' && request.url !== '/admin' ? request.url : undefined;
    void reply.redirect(`/admin/sign-in${next ? `?next=${encodeURIComponent(next)}` : ''}`, 303);
  }
}

function headingOf({ code }: CodedError): string {
  if (code === 'NOT_FOUND') return 'There is nothing here';
  if (code === 'UNAVAILABLE') return 'A part is not available';
  if (code === 'FORBIDDEN') return 'This is not allowed';
  return code === 'INTERNAL' ? 'Something went wrong' : 'That did not work';
}
