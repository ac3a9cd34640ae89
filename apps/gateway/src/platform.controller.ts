import { Controller, Inject } from '@nestjs/common';
import { whoami } from '#contracts/api/platform.js';
import type { VerifiedKey } from '#contracts/key.js';
import { organization } from '#contracts/project.js';
import { Bus } from '#service/bus.js';
import { scopesOf } from './access.js';
import { Endpoint } from './endpoint.js';
import { CallerKey } from './params.js';

/** The platform's look at who asks. */
@Controller()
export class PlatformController {
  constructor(@Inject(Bus) private readonly bus: Bus) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/whoami',
    access: 'any',
    summary: 'Say whose key this is and what it may do',
    reply: { 200: whoami },
  })
  async whoami(@CallerKey() key: VerifiedKey) {
    const { id, environment } = key;
    const project = await this.bus.ask('key.project.get', { id: key.project_id });
    return {
      organization,
      project: { id: project.id, name: project.name },
      key: { id, environment, scopes: scopesOf(key) },
    };
  }
}
