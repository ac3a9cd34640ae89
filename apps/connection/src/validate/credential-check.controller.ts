import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { DomainError } from '#contracts/errors.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { Catalog } from '../catalog/catalog.js';
import { CredentialStorage } from '../credential-storage.js';
import { byName, type Secret } from '../secret-shape.js';
import { hmacValidate } from './hmac-validate.js';
import { jwtValidate } from './jwt-validate.js';

/** Tries a credential before it is stored. Calls hosts of the catalog only, and keeps nothing of what it was given. */
@Controller()
export class CredentialCheckController {
  constructor(
    private readonly catalog: Catalog,
    private readonly storage: CredentialStorage,
  ) {}

  @MessagePattern('connection.platform.validate')
  async validate(
    @Payload() { auth_type, server_id, sealed }: Ask<'connection.platform.validate'>,
  ): Promise<Reply<'connection.platform.validate'>> {
    const server = this.catalog.get(server_id);
    if (server.auth_type !== auth_type) throw unfit(`a server whose auth_type is ${auth_type}`);
    const { id, base_url, validation } = server;
    if (base_url === null || validation === null) throw unfit('a server whose catalog entry has a read to try');
    const secret = byName(server, JSON.parse(this.storage.unseal(sealed)) as Secret);
    const tried = { id, base_url, validation, sandbox: this.catalog.isOfSandbox(base_url) };
    return (auth_type === 'hmac_signed' ? hmacValidate : jwtValidate)(tried, secret);
  }
}

function unfit(what: string): DomainError {
  const message = `server_id must be ${what}`;
  return new DomainError('VALIDATION_ERROR', message, { issues: [{ field: 'server_id', message }] });
}
