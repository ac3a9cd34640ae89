import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { uuidV5 } from '#contracts/ids.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import type { VaultStatus } from '#contracts/vault.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { Bus } from '#service/bus.js';
import { Store } from '#service/store.js';
import { KeyRotation } from './key-rotation.js';
import { vaultKeys } from './vault-keys.decider.js';

const STREAM = '3f4f4b52-7e0a-5a55-9d0f-7a1f0c6f4f11';

/** The rotation of key-encryption keys: its progress, and the wish to begin. */
@Controller()
export class VaultController {
  private readonly handle;

  constructor(
    store: Store,
    private readonly rotation: KeyRotation,
    @Inject(Bus) private readonly bus: Bus,
  ) {
    this.handle = commandHandler(store.client, 'vault', vaultKeys);
    bus.listen('connection.vault-keys-changed', () => this.takeInToo());
  }

  /** What another replica was asked for: two with different newest keys would move the same credentials to and fro. */
  private takeInToo(): void {
    try {
      this.rotation.takeIn();
      this.rotation.start();
    } catch {
      // The log says why; this replica goes on with the keys that it has.
    }
  }

  @MessagePattern('connection.vault.status')
  status(): Promise<VaultStatus> {
    return this.rotation.status();
  }

  /** The wish is on the timeline of whoever had it before anything moves. */
  @MessagePattern('connection.vault.rotate')
  async rotate(@Payload() { context }: Ask<'connection.vault.rotate'>): Promise<Reply<'connection.vault.rotate'>> {
    const { project_id, environment } = context.tenant;
    this.rotation.takeIn();
    const { current_epoch, remaining } = await this.rotation.status();
    const command = { type: 'RequestRotation', current_epoch, remaining, now: new Date().toISOString() } as const;
    const id = uuidV5(STREAM, `${project_id}/${environment}`);
    const { position } = await this.handle({ id, command, context });
    await this.bus.broadcast('connection.vault-keys-changed', {}).catch(() => undefined);
    this.rotation.start();
    return { view: await this.rotation.status(), position };
  }
}
