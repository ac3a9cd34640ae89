import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Erasure } from '#contracts/erasure.js';
import type { Ask, Reply } from '#contracts/subjects.js';
import { commandHandler } from '#eventstore/command-handler.js';
import { erasable } from '#eventstore/erasable.js';
import { PersonalTexts } from '#service/personal-texts.js';
import { Store } from '#service/store.js';
import { linkSession } from './link-session.decider.js';
import { SessionViews } from './session-views.js';

const NOTHING: Erasure = { subject: null, counts: {}, positions: [], position: '0' };

/** The labels of sessions. */
@Controller()
export class PersonalTextController {
  private readonly texts;

  constructor(
    @Inject(Store) store: Store,
    private readonly views: SessionViews,
  ) {
    const erase = commandHandler(store.client, 'link_session', erasable(linkSession));
    this.texts = new PersonalTexts(store, { link_session: erase });
  }

  @MessagePattern('link-session.text.open')
  open(@Payload() { texts }: Ask<'link-session.text.open'>): Promise<Reply<'link-session.text.open'>> {
    return this.texts.open(texts);
  }

  /** Answers once the text is in no row any more. */
  @MessagePattern('link-session.text.erase')
  async erase(@Payload() { context, subject }: Ask<'link-session.text.erase'>): Promise<Erasure> {
    const isOne = 'session_id' in subject;
    const streams = isOne ? [`link_session-${subject.session_id}`] : [];
    if (isOne && !(await this.texts.isOf(context.tenant, streams[0]!))) return NOTHING;
    const owners = isOne ? [] : [subject.user_id];
    const erased = await this.texts.erase(context, { streams, owners });
    const position = erased.positions.at(-1) ?? '0';
    await this.views.sessions.reached(position);
    const named = isOne ? ({ kind: 'link_session', id: subject.session_id } as const) : null;
    return { subject: named, ...erased, position };
  }
}
