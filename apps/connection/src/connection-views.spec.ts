import { expect, it } from '@jest/globals';
import type { OnApplied } from '#eventstore/projector.js';
import type { Recorded } from '#eventstore/recorded.js';
import type { View } from '#eventstore/view.js';
import type { Store } from '#service/store.js';
import { ConnectionViews } from './connection-views.js';
import type { KnownConnections } from './known-connections.js';

it('forgets what was remembered of a connection when its texts are erased', () => {
  let apply: OnApplied | undefined;
  const store = { projectTogether: (_: View[], onApplied: OnApplied) => ((apply = onApplied), []) };
  const forgotten: string[] = [];
  const known = { forgetText: (id: string) => forgotten.push(id) };
  new ConnectionViews(store as unknown as Store, known as unknown as KnownConnections);
  const happened = (stream: string, type: string) => ({ stream, event: { type } }) as Recorded;
  const events = [happened('connection-1', 'ConnectionRelinked'), happened('connection-2', 'PersonalTextErased')];
  apply!({ events, position: { commit: 1n, prepare: 1n } });
  expect(forgotten).toEqual(['2']);
});
