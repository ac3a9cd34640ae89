import { Controller } from '@nestjs/common';
import { vaultStatus } from '#contracts/api/vault.js';
import type { Context } from '#contracts/envelope.js';
import { refuseTest } from './access.js';
import { Endpoint } from './endpoint.js';
import { Services } from './services.js';
import { Caller } from './params.js';

const reply = { 200: vaultStatus };

/** The keys that wrap the credentials of the whole installation. */
@Controller()
export class VaultController {
  constructor(private readonly services: Services) {}

  @Endpoint({
    method: 'GET',
    path: '/api/v1/vault',
    access: 'full_access',
    summary: 'See how far a rotation of the key-encryption keys has come',
    reply,
  })
  status(@Caller() context: Context) {
    return this.services.read('connection.vault.status', { context });
  }

  @Endpoint({
    method: 'POST',
    path: '/api/v1/vault/rotate',
    access: 'full_access',
    summary: 'Bring all credentials under the newest key-encryption key',
    description: 'Reads the key file again and answers at once; the work goes on in the background.',
    reply,
    errors: ['VAULT_UNAVAILABLE'],
  })
  async rotate(@Caller() context: Context) {
    refuseTest(context);
    const { view } = await this.services.write('connection.vault.rotate', { context });
    return view;
  }
}
