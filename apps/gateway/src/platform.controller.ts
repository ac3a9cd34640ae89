import { Controller } from '@nestjs/common';
import { whoami } from '#contracts/api/platform.js';
import type { VerifiedKey } from '#contracts/key.js';
import { scopesOf } from './access.js';
import { Endpoint } from './endpoint.js';
import { organization } from './organization.js';
import { CallerKey } from './params.js';

/** The platform's look at who asks. */
@Controller()
export class PlatformController {
  @Endpoint({
    method: 'GET',
    path: '/v1/whoami',
    access: 'any',
    summary: 'Say whose key this is and what it may do',
    reply: { 200: whoami },
  })
  whoami(@CallerKey() key: VerifiedKey) {
    const { id, environment, project_id } = key;
    return {
      organization,
      project: { id: project_id, name: 'default' },
      key: { id, environment, scopes: scopesOf(key) },
    };
  }
}
