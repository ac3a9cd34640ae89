import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { AsOf } from '#contracts/envelope.js';
import { DomainError } from '#contracts/errors.js';
import type { KeyView, UsedKey, VerifiedKey } from '#contracts/key.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { KeyQueries } from './key-queries.js';
import { KeyUses } from './key-uses.js';
import { Keys } from './keys.service.js';

@Controller()
export class KeyController {
  constructor(
    private readonly keys: Keys,
    private readonly queries: KeyQueries,
    private readonly uses: KeyUses,
  ) {}

  @MessagePattern('key.create')
  create(@Payload() { context, terms }: Ask<'key.create'>): Promise<Reply<'key.create'>> {
    return this.keys.create(context, terms);
  }

  @MessagePattern('key.verify')
  async verify(@Payload() { key_hashes }: Ask<'key.verify'>): Promise<Reply<'key.verify'>> {
    return (await this.keys.verify(key_hashes)).map((key) => key && verified(key));
  }

  @MessagePattern('key.rename')
  async rename(@Payload() { context, id, name }: Ask<'key.rename'>): Promise<Reply<'key.rename'>> {
    const { view, position } = await this.keys.rename(context, id, name);
    const [shown] = await this.queries.shown([view]);
    return { view: shown!, position };
  }

  @MessagePattern('key.rotate')
  rotate(@Payload() { context, ...wish }: Ask<'key.rotate'>): Promise<Reply<'key.rotate'>> {
    return this.keys.rotate(context, wish);
  }

  @MessagePattern('key.used')
  async used(@Payload() { uses }: Ask<'key.used'>): Promise<Reply<'key.used'>> {
    await this.uses.record(uses);
    return {};
  }

  @MessagePattern('key.refused')
  async refused(@Payload() { uses }: Ask<'key.refused'>): Promise<Reply<'key.refused'>> {
    await this.keys.noteRefusals(uses);
    return {};
  }

  @MessagePattern('key.revoke')
  revoke(@Payload() { context, id }: Ask<'key.revoke'>): Promise<Reply<'key.revoke'>> {
    return this.keys.revoke(context, id);
  }

  @MessagePattern('key.get')
  async get(@Payload() ask: Ask<'key.get'>): Promise<Reply<'key.get'>> {
    if (ask.as_of) return this.past(ask, ask.as_of);
    const key = await this.queries.find(ask);
    if (!key) throw new DomainError('NOT_FOUND', 'API key not found');
    return key;
  }

  private async past({ context, id }: Ask<'key.get'>, moment: AsOf): Promise<UsedKey> {
    const { key, time } = await this.keys.past(context.tenant, id, moment);
    return this.uses.besideThen(key, time);
  }

  @MessagePattern('key.list')
  list(@Payload() ask: Ask<'key.list'>): Promise<Reply<'key.list'>> {
    return this.queries.list(ask);
  }
}

const verified = ({ short_id: _s, created_by: _b, created_at: _a, successor_id: _n, ...key }: KeyView): VerifiedKey =>
  key;
