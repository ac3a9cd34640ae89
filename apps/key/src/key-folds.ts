import { Inject, Injectable } from '@nestjs/common';
import type { KeyEvent, KeyView } from '#contracts/key.js';
import { project } from '#eventstore/projection.js';
import { PAGE, readStream } from '#eventstore/read-stream.js';
import { Store } from '#service/store.js';
import { keyProjection } from './key.view.js';

const MOST_REMEMBERED = 1_000;

/** What a key's stream comes to, up to a revision. */
interface KeyFold {
  revision: bigint | undefined;
  hash: string | null;
  view: KeyView | null;
}

const nothing: KeyFold = { revision: undefined, hash: null, view: null };

/**
 * What the streams of keys come to. Each name and each tally of refused requests is an event, so some grow long: what one came
 * to is remembered, and whoever asks reads on from there to the end, for the answer to be true at that moment. It is remembered
 * page by page, so a question that nobody waits for any more has shortened the next one.
 */
@Injectable()
export class KeyFolds {
  private readonly folds = new Map<string, KeyFold>();

  constructor(@Inject(Store) private readonly store: Store) {}

  async read(id: string): Promise<KeyFold> {
    let fold = this.folds.get(id) ?? nothing;
    for (;;) {
      const after = fold.revision;
      const { events, revision } = await readStream<KeyEvent>(this.store.client, `api_key-${id}`, after, PAGE);
      const facts = events.map(({ event }) => event);
      const [first] = facts;
      const hash = first?.type === 'KeyCreated' ? first.key_hash : fold.hash;
      const view = project(keyProjection, facts, fold.view);
      fold = { revision: typeof revision === 'bigint' ? revision : undefined, hash, view };
      if (fold.revision === undefined) return fold;
      this.keep(id, fold);
      if (fold.revision - (after ?? -1n) < BigInt(PAGE)) return fold;
    }
  }

  /** Several may read the same at once: what came furthest stays. */
  private keep(id: string, fold: KeyFold): void {
    const known = this.folds.get(id) ?? nothing;
    this.folds.delete(id);
    if (this.folds.size >= MOST_REMEMBERED) this.folds.delete(this.folds.keys().next().value!);
    this.folds.set(id, (known.revision ?? -1n) > fold.revision! ? known : fold);
  }
}
