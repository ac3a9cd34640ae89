import { Controller, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ExportQuery, exportQuery } from '#contracts/api/audit-export.js';
import type { Context } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import { hashSecret } from '#contracts/secrets.js';
import { refusalOf } from './access.js';
import { AuditExport } from './audit-export.js';
import { Endpoint } from './endpoint.js';
import { VerifiedKeys } from './key-cache.js';
import { Caller, RequestQuery } from './params.js';

const spec = {
  summary: 'Export the audit timeline, oldest first',
  description:
    'Streamed. `ndjson` has one entry per line, with its place in the hash chain of the project; docs/audit-format.md ' +
    'says how to check it, and how `csv` is written. With a filter it is a selection, which cannot be checked as a whole. ' +
    'It ends where the timeline stood at its start, and is broken off when the key is revoked.',
  query: exportQuery,
  reply: { 200: null },
  isStream: ['application/x-ndjson', 'text/csv'],
  replyHeaders: {
    'X-Export-Entries': { schema: { type: 'integer' }, description: 'How many entries follow.' },
    'X-Export-Exact': { schema: { enum: ['true', 'false'] }, description: '`false`: the number is an estimate.' },
    'Content-Disposition': { schema: { type: 'string' }, description: 'Names the file.' },
  },
};

@Controller()
export class AuditExportController {
  constructor(
    private readonly file: AuditExport,
    private readonly keys: VerifiedKeys,
  ) {}

  @Endpoint({ method: 'GET', path: '/api/v1/audit/export', access: 'any', ...spec })
  household(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Caller() context: Context,
    @RequestQuery() query: ExportQuery,
  ) {
    return this.file.send({ context, check: this.checkOf(request) }, query, reply);
  }

  @Endpoint({ method: 'GET', path: '/v1/audit/export', access: 'connections:read', ...spec })
  platform(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Caller() context: Context,
    @RequestQuery() query: ExportQuery,
  ) {
    return this.file.send({ context, check: this.checkOf(request) }, query, reply);
  }

  /** It ends when the key that it was asked with does. */
  private checkOf({ secret }: FastifyRequest): () => Promise<void> {
    const keyHash = hashSecret(secret);
    return async () => {
      const refusal = refusalOf(await this.keys.verify(keyHash));
      if (refusal) throw new DomainError(refusal);
    };
  }
}
