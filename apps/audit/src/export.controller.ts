import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Ask, Reply } from '#contracts/subjects.js';
import { AuditExport } from './audit-export.js';
import { CheckpointSigner } from './checkpoint-signer.js';

/** The timeline as a file, and the keys its checkpoints are checked with. */
@Controller()
export class ExportController {
  constructor(
    private readonly exports: AuditExport,
    @Inject(CheckpointSigner) private readonly signer: CheckpointSigner,
  ) {}

  @MessagePattern('audit.export.begin')
  begin(@Payload() ask: Ask<'audit.export.begin'>): Promise<Reply<'audit.export.begin'>> {
    return this.exports.begin(ask);
  }

  @MessagePattern('audit.export.page')
  page(@Payload() ask: Ask<'audit.export.page'>): Promise<Reply<'audit.export.page'>> {
    return this.exports.page(ask);
  }

  @MessagePattern('audit.jwks')
  jwks(): Reply<'audit.jwks'> {
    return { keys: this.signer.jwks };
  }
}
