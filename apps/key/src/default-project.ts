import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { defaultTenant, systemContext } from '#contracts/envelope.js';
import { logger } from '#service/logger.js';
import { Projects } from './projects.service.js';

const AGAIN_MS = 1_000;

/** The project that exists from the first start: made like any other, once, by whichever replica comes first. */
@Injectable()
export class DefaultProject implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly projects: Projects) {}

  /** While the event store is away the service serves what it can, and this is made up for later. */
  async onApplicationBootstrap(): Promise<void> {
    try {
      await this.projects.create(systemContext(defaultTenant, firstStart), {
        id: defaultTenant.project_id,
        name: 'default',
        slug: 'default',
        is_default: true,
      });
    } catch (error) {
      logger.warn({ error: String(error) }, 'the default project could not be made yet; again soon');
      this.timer = setTimeout(() => void this.onApplicationBootstrap(), AGAIN_MS);
    }
  }

  onApplicationShutdown(): void {
    clearTimeout(this.timer);
  }
}

const firstStart = { id: 'first-start', name: 'first start' };
