import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Context, Tenant } from '#contracts/envelope.js';
import type { Erased, Erasure, ErasureSubject } from '#contracts/erasure.js';
import { parseAgentSessionId, parseId, parsePlatformConnectionId } from '#contracts/ids.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { erasable } from '#eventstore/erasable.js';
import { type Erasing, PersonalTexts } from '#service/personal-texts.js';
import { Store } from '#service/store.js';
import { ConnectionFolds } from './connection-folds.js';
import { ConnectionViews } from './connection-views.js';
import { connection } from './connection.decider.js';
import { user } from './user.decider.js';
import { Users } from './users.service.js';

const NOTHING: Erasure = { subject: null, counts: {}, positions: [], position: '0' };

/** Of a project, an environment and a name of the caller's own. */
export const IS_END_USER = `select exists (
  select from subject_keys where project_id = $1 and environment = $2 and owner = $3
  union all select from connections where project_id = $1 and environment = $2 and user_id = $3
  union all select from agent_sessions where project_id = $1 and environment = $2 and user_id = $3) as found`;

/** Names and addresses of users, and what callers wrote of connections. */
@Controller()
export class PersonalTextController {
  private readonly texts;

  constructor(
    private readonly store: Store,
    private readonly views: ConnectionViews,
    private readonly users: Users,
    folds: ConnectionFolds,
  ) {
    const eraseUser = commandHandler(store.client, 'user', erasable(user));
    const eraseConnection = commandHandler(store.client, 'connection', erasable(connection));
    const erasers = {
      user: eraseUser,
      connection: (wish: Erasing) => eraseConnection({ ...wish, recall: () => folds.readErasable(wish.id) }),
    };
    this.texts = new PersonalTexts(store, erasers, { connection: async (id) => (await folds.read(id)).roots });
  }

  @MessagePattern('connection.text.open')
  open(@Payload() { texts }: Ask<'connection.text.open'>): Promise<Reply<'connection.text.open'>> {
    return this.texts.open(texts);
  }

  /** Answers once the text is in no row any more. */
  @MessagePattern('connection.text.erase')
  async erase(@Payload() { context, subject: name }: Ask<'connection.text.erase'>): Promise<Erasure> {
    const subject = await this.find(context.tenant, name);
    if (!subject) return NOTHING;
    const erased = await this.eraseOf(context, subject, name);
    const position = erased.positions.at(-1) ?? '0';
    await this.views.reached(position);
    return { subject, ...erased, position };
  }

  /** The name that leads to a thing may be the caller's own for an end user as well. */
  private async eraseOf(context: Context, { kind, id }: ErasureSubject, name: string): Promise<Erased> {
    if (kind === 'connection') return this.texts.erase(context, { streams: [`connection-${id}`], owners: [name] });
    if (kind !== 'user') return this.texts.erase(context, { streams: [], owners: [name] });
    const before = await this.users.find(id);
    const erased = await this.texts.erase(context, { streams: [`user-${id}`], owners: [id, name] });
    if (before) await this.users.releaseErased(context, before);
    return erased;
  }

  /** A name that leads to nothing of ours may be the caller's own for an end user. */
  private async find(tenant: Tenant, name: string): Promise<ErasureSubject | null> {
    const candidates = [
      { kind: 'user', id: parseId('user', name) },
      { kind: 'connection', id: parsePlatformConnectionId(name) ?? parseId('connection', name) },
      { kind: 'agent_session', id: parseAgentSessionId(name) ?? parseId('agent_session', name) },
      { kind: 'connect_link', id: parseId('connect_link', name) },
    ] as const;
    for (const { kind, id } of candidates) {
      if (id !== null && (await this.texts.isOf(tenant, `${kind}-${id}`))) return { kind, id };
    }
    const values = [tenant.project_id, tenant.environment, name];
    const [row] = await this.store.dataSource.query<{ found: boolean }[]>(IS_END_USER, values);
    return row?.found ? { kind: 'end_user', id: name } : null;
  }
}
