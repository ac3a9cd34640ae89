import { Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { name, oneOf } from '#contracts/api/fields.js';
import type { Context } from '#contracts/envelope.js';
import type { KeyView, UsedKey } from '#contracts/key.js';
import type { Random } from '#contracts/secrets.js';
import { scopesOf } from '../access.js';
import { type FreshKey, HouseholdKeys } from '../household-keys.js';
import { idInPath } from '../ids.js';
import { Services } from '../services.js';
import { Caller } from '../params.js';
import { PlatformKeys } from '../platform-keys.js';
import { callerOf } from '../request-context.js';
import { AdminPage } from './admin-page.js';
import { AdminViews } from './admin-views.js';
import { attempted } from './attempt.js';
import { fieldsOf, formOf } from './forms.js';

const LIMIT = 100;
const LIST = '/admin/settings/api-keys';

const newKeyForm = z.object({
  name: name(80),
  scope: oneOf(['read_only', 'full_access'], '"read_only" or "full_access"'),
  expires_in_days: z
    .string()
    .regex(/^(|[1-9]\d{0,3})$/, 'must be a number of days')
    .transform((text) => (text === '' ? null : Number(text)))
    .refine((days) => days === null || days <= 3650, 'must be at most 3650 days'),
});

type NewKey = z.output<typeof newKeyForm>;

const graces = { '0': 'at once', '3600': 'in an hour', '86400': 'in a day', '604800': 'in seven days' } as const;
const seconds = Object.keys(graces) as [string, ...string[]];
const rotateForm = z.object({ grace_seconds: oneOf(seconds, `one of ${seconds.join(', ')}`).transform(Number) });

/** Settings → API keys. */
@AdminPage('admin/settings/api-keys')
export class AdminApiKeysController {
  constructor(
    private readonly services: Services,
    private readonly keys: HouseholdKeys,
    private readonly platformKeys: PlatformKeys,
    private readonly views: AdminViews,
  ) {}

  @Get()
  async list(@Query('cursor') cursor: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.show(request, reply, { cursor: typeof cursor === 'string' ? cursor : undefined });
  }

  @Post()
  async create(@Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const context = callerOf(request);
    const tried = await attempted(request, () => {
      const wish = formOf(request, newKeyForm);
      return context.tenant.environment === 'live'
        ? this.keys.create(context, request.random, { ...wish, actor_name: null, allowed_ips: [] })
        : this.createForTest(context, request.random, wish);
    });
    if ('problem' in tried) return this.show(request, reply, { ...tried, typed: fieldsOf(request) });
    return this.showOnce(request, reply, tried.done);
  }

  @Post(':id/rotate')
  async rotate(@Param('id') id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { grace_seconds } = formOf(request, rotateForm);
    const wish = { id: idInPath('api_key', id), grace_seconds };
    return this.showOnce(request, reply, await this.keys.rotate(callerOf(request), request.random, wish));
  }

  @Post(':id/revoke')
  async revoke(@Caller() context: Context, @Param('id') id: string, @Res() reply: FastifyReply) {
    await this.services.write('key.revoke', { context, id: idInPath('api_key', id) });
    return reply.redirect(`${LIST}?done=key-revoked`, 303);
  }

  /** Household keys are live: what a scope of theirs stands for on the platform, a key for tests may do. */
  private createForTest(context: Context, random: Random, { scope, ...wish }: NewKey): Promise<FreshKey> {
    const scopes = scopesOf({ scopes: [scope] });
    return this.platformKeys.create(context, random, { ...wish, tenant: context.tenant, scopes });
  }

  private async show(
    request: FastifyRequest,
    reply: FastifyReply,
    { cursor, ...view }: { cursor?: string | undefined; status?: number; problem?: string; typed?: object },
  ) {
    const context = callerOf(request);
    const page = await this.services.read('key.list', { context, limit: LIMIT, ...(cursor && { cursor }) });
    const isLive = (key: UsedKey) => !hasEnded(key);
    this.views.show(request, reply, 'api-keys', {
      heading: 'API keys',
      live: page.items.filter(isLive).map(shown),
      ended: page.items.filter(hasEnded).map(shown),
      next: page.next_cursor,
      hasOtherPages: cursor !== undefined || page.next_cursor !== null,
      graces,
      isTest: context.tenant.environment === 'test',
      problem: null,
      typed: {},
      ...view,
    });
  }

  /** The one page that holds the key; the script puts the list's address in its place, so that a reload asks for no second one. */
  private showOnce(request: FastifyRequest, reply: FastifyReply, { view, plaintext_key }: FreshKey) {
    const heading = 'Copy your new key now';
    this.views.show(request, reply, 'api-key-once', { heading, key: shown(view), plaintext_key, list: LIST });
  }
}

const hasEnded = ({ revoked_at, expires_at }: KeyView): boolean =>
  revoked_at !== null || (expires_at !== null && Date.parse(expires_at) <= Date.now());

/** The end a key has come to or will come to, in one place. */
const shown = <Key extends KeyView>(key: Key) => ({
  ...key,
  ends_at: key.retires_at ?? key.expires_at,
  may_rotate: key.kind === 'household' && key.environment === 'live' && key.successor_id === null && !hasEnded(key),
  is_retiring: key.retires_at !== null && key.revoked_at === null,
});
