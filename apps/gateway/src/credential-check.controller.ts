import { Controller } from '@nestjs/common';
import {
  type CredentialCheckBody,
  credentialCheckBody,
  type CredentialVerdict,
  credentialVerdict,
} from '#contracts/api/credential-checks.js';
import type { Context } from '#contracts/envelope.js';
import { Bus } from '#service/bus.js';
import { Endpoint, type EndpointSpec } from './endpoint.js';
import { TokenSealer } from './pages/token-sealer.js';
import { Caller, RequestBody } from './params.js';

/** The provider itself has five seconds. */
const PATIENCE_MS = 6_500;

const check = {
  method: 'POST' as const,
  access: 'connections:write' as const,
  description:
    'One harmless read with the candidate, to a host of the catalog alone. Nothing of it is stored or logged; a refusal by the provider is an answer, not an error.',
  body: credentialCheckBody,
  reply: { 200: credentialVerdict },
  writesNothing: true,
  errors: ['SERVER_UNKNOWN', 'KEYS_MISMATCH', 'INVALID_SECRET_SHAPE'],
} satisfies Partial<EndpointSpec>;

/** Tries a credential at its provider before it is stored. */
@Controller()
export class CredentialCheckController {
  constructor(
    private readonly bus: Bus,
    private readonly sealer: TokenSealer,
  ) {}

  @Endpoint({
    ...check,
    path: '/v1/connections/hmac-validate',
    summary: 'Try a credential that signs its requests with HMAC-SHA256',
  })
  hmac(@Caller() context: Context, @RequestBody() body: CredentialCheckBody): Promise<CredentialVerdict> {
    return this.ask(context, 'hmac_signed', body);
  }

  @Endpoint({
    ...check,
    path: '/v1/connections/jwt-validate',
    summary: 'Try a credential that signs ES256 tokens with a P-256 key',
  })
  jwt(@Caller() context: Context, @RequestBody() body: CredentialCheckBody): Promise<CredentialVerdict> {
    return this.ask(context, 'jwt_ecdsa', body);
  }

  private async ask(
    context: Context,
    auth_type: 'hmac_signed' | 'jwt_ecdsa',
    { server_id, secret }: CredentialCheckBody,
  ): Promise<CredentialVerdict> {
    const sealed = await this.sealer.seal(JSON.stringify(secret));
    return this.bus.ask('connection.platform.validate', { context, auth_type, server_id, sealed }, PATIENCE_MS);
  }
}
