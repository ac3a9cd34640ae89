import { Controller, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { type EraseBody, eraseBody, erasure } from '#contracts/api/erasures.js';
import type { Context } from '#contracts/envelope.js';
import type { ErasureSubject } from '#contracts/erasure.js';
import { DomainError } from '#contracts/errors.js';
import { parseId } from '#contracts/ids.js';
import { CONFIG, type GatewayConfig } from './config.js';
import { Endpoint } from './endpoint.js';
import { receiptOf } from './erasure-receipt.js';
import { Services } from './services.js';
import { ResultSigner } from './pages/result-signer.js';
import { Caller, RequestBody } from './params.js';
import { publicBase } from './public-base.js';

/** Erases what is said about a person, wherever it is said. */
@Controller()
export class ErasureController {
  constructor(
    private readonly services: Services,
    private readonly signer: ResultSigner,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/api/v1/erasures',
    access: 'full_access',
    summary: 'Erase the personal text of a subject',
    description:
      'Destroys the keys of the names, addresses, labels and notes about the subject, and of everything that belongs to ' +
      'it. The history stays. A request that was cut off can be sent again: it goes on where the first one stood.',
    body: eraseBody,
    reply: { 201: erasure },
    errors: ['NOT_FOUND'],
  })
  async erase(@Caller() context: Context, @RequestBody() { subject: name }: EraseBody, @Req() request: FastifyRequest) {
    const known = await this.services.write('connection.text.erase', { context, subject: name });
    const sessions = await this.eraseSessions(context, name, known.subject);
    const subject = known.subject ?? sessions?.subject ?? (await this.findKey(context, name));
    if (!subject) throw new DomainError('NOT_FOUND', 'Subject not found');
    const erased = sessions ? [known, sessions] : [known];
    const issuer = publicBase(request, this.config);
    return { receipt: await this.signer.receipt(receiptOf(context.tenant, subject, erased), issuer) };
  }

  /** A user's sessions, or the one that is meant when the name is no other thing's: a caller's own may be the same. */
  private eraseSessions(context: Context, name: string, known: ErasureSubject | null) {
    if (known?.kind === 'user') {
      return this.services.write('link-session.text.erase', { context, subject: { user_id: known.id } });
    }
    const isFree = known === null || known.kind === 'end_user';
    const session_id = isFree ? parseId('link_session', name) : null;
    return session_id === null
      ? null
      : this.services.write('link-session.text.erase', { context, subject: { session_id } });
  }

  /** A key has no text of the kind, which is worth a receipt too. */
  private async findKey(context: Context, name: string): Promise<ErasureSubject | null> {
    const id = parseId('api_key', name);
    if (id === null) return null;
    try {
      await this.services.read('key.get', { context, id });
      return { kind: 'api_key', id };
    } catch (error) {
      if (error instanceof DomainError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  }
}
