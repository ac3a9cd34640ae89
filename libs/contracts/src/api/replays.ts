import { z } from 'zod';
import { driftCount, type ViewReplay } from '../replay.js';
import { page, time, uuid } from './fields.js';

const count = () => z.int().min(0);

const drift = z
  .object({
    missing: count().describe('Rows that the events give and the table did not have.'),
    extra: count().describe('Rows that no event gives.'),
    changed: count().describe('Rows that differed in a column at least.'),
    rows: z
      .array(
        z.object({
          key: z.string().describe('The primary key of the row.'),
          kind: z.enum(['missing', 'extra', 'changed']),
          columns: z.array(z.string()).describe('The columns that differed.'),
        }),
      )
      .describe('The first hundred of them. Values are not shown: they may be personal.'),
  })
  .describe('What differed between the table and the events, at one position.');

const viewReplay = z
  .object({
    service: z.string().meta({ examples: ['link-session'] }),
    view: z.string().meta({ examples: ['link_sessions'] }),
    state: z.enum(['running', 'done', 'failed']),
    phase: z.enum(['waiting', 'building', 'comparing', 'swapping', 'over']),
    events: count().describe('Events applied so far.'),
    events_per_second: count(),
    seconds_left: count().nullable().describe('An estimate; null while there is nothing to estimate from.'),
    drift: drift.nullable(),
    parked: count().describe('Events that could not be applied.'),
    error: z.string().nullable(),
    started_at: time,
    finished_at: time.nullable(),
  })
  .meta({ id: 'ViewReplay' });

export const replay = z
  .object({
    id: uuid,
    verify: z.boolean().describe('It compares and changes nothing.'),
    state: z.enum(['running', 'done', 'failed']).describe('`failed` when one of the views failed.'),
    drifted: z.boolean().describe('A table did not say what its events say.'),
    started_at: time,
    views: z.array(viewReplay),
  })
  .meta({ id: 'Replay' });
export type Replay = z.output<typeof replay>;

export const replaysPage = page('replays', replay).meta({ id: 'ReplaysPage' });

export const startReplayBody = z
  .object({
    view: z
      .string()
      .regex(/^[a-z_]{1,64}$/, 'must be the name of a read model')
      .nullish()
      .describe('One read model; all of them when it is left out.'),
    verify: z.boolean().nullish().describe('Only compare.'),
  })
  .meta({ id: 'StartReplay' });
export type StartReplayBody = z.output<typeof startReplayBody>;

/** The replays that the services tell of, newest first. */
export function toReplays(views: ViewReplay[]): Replay[] {
  const byId = new Map<string, ViewReplay[]>();
  for (const view of views) byId.set(view.id, [...(byId.get(view.id) ?? []), view]);
  const all = [...byId].map(([id, ofOne]) => toReplay(id, ofOne));
  return all.sort((a, b) => (a.started_at < b.started_at ? 1 : -1));
}

const toReplay = (id: string, views: ViewReplay[]): Replay => ({
  id,
  verify: views.every(({ verify }) => verify),
  state: stateOf(views),
  drifted: views.some((view) => view.drift !== null && driftCount(view.drift) > 0),
  started_at: views.map((view) => view.started_at).sort()[0]!,
  views: views.map(({ id: _id, verify: _verify, ...view }) => view),
});

function stateOf(views: ViewReplay[]): Replay['state'] {
  const isAny = (state: ViewReplay['state']) => views.some((view) => view.state === state);
  if (isAny('running')) return 'running';
  return isAny('failed') ? 'failed' : 'done';
}
