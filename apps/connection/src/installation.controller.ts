import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { DomainError } from '#contracts/errors.js';
import type { ProviderName } from '#contracts/link-session.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { ConfiguredProviders } from './configured-providers.js';
import { connectionEnv } from './connection-env.js';
import { SandboxBank } from './sandbox-bank.js';
import { Vault } from './vault/vault.service.js';

/** Facts about this installation, and what only its sandbox can do. */
@Controller()
export class InstallationController {
  constructor(
    private readonly providers: ConfiguredProviders,
    private readonly vault: Vault,
    private readonly bank: SandboxBank,
  ) {}

  @MessagePattern('connection.vault-key')
  vaultKey(): Reply<'connection.vault-key'> {
    return { jwk: this.vault.publicJwk() };
  }

  @MessagePattern('connection.providers')
  names(): ProviderName[] {
    return this.providers.names();
  }

  @MessagePattern('connection.require-login')
  requireLogin(
    @Payload() { context, id }: Ask<'connection.require-login'>,
  ): Promise<Reply<'connection.require-login'>> {
    if (!connectionEnv.SANDBOX) throw new DomainError('NOT_FOUND');
    return this.bank.requireLogin(context, id);
  }

  @MessagePattern('connection.ledger')
  ledger(@Payload() { context }: Ask<'connection.ledger'>): Promise<Reply<'connection.ledger'>> {
    return this.bank.ledger(context.tenant);
  }
}
